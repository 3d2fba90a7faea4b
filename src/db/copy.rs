//! Rows for `copy … from stdin (format binary)`: what a statement with an array a column would say, without the server taking
//! each array apart, storing its elements and reading them again. For 1000 notifications of 19 columns that is a third of the work.
//!
//! In: values, row by row, in the order and of exactly the types of the statement's columns. Out: bytes, sent in pieces.
//! Source: "Binary Format" on PostgreSQL's page of COPY; what each type looks like is `postgres_types`'s.

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::SinkExt;
use postgres_types::{IsNull, ToSql, Type};
use tokio_postgres::CopyInSink;

use crate::db::Client;
use crate::kernel::{Error, Result};

/// A message's length: the server holds each whole, and takes none above a gigabyte.
const PIECE: usize = 256 << 10;
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Rows on their way.
pub struct CopyRows {
    types: &'static [Type],
    bytes: BytesMut,
    rows: u64,
}

/// A value that is known only later: where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Open(usize);

impl CopyRows {
    /// No rows yet. `types` are those of the statement's columns, `room` a guess of the bytes to come.
    #[must_use]
    pub fn new(types: &'static [Type], room: usize) -> Self {
        let mut bytes = BytesMut::with_capacity(room + SIGNATURE.len() + 16);
        bytes.put_slice(SIGNATURE);
        bytes.put_i32(0); // flags
        bytes.put_i32(0); // no extension of the header
        Self {
            types,
            bytes,
            rows: 0,
        }
    }

    /// Another row: a value a column.
    ///
    /// # Errors
    /// When the values aren't the columns', in number or type.
    pub fn push(&mut self, values: &[&(dyn ToSql + Sync)]) -> Result<()> {
        if values.len() != self.types.len() {
            return Err(Error::broken(
                "a row to copy has not as many values as columns",
            ));
        }
        self.bytes
            .put_i16(i16::try_from(values.len()).unwrap_or(i16::MAX));
        for (value, kind) in values.iter().zip(self.types) {
            let at = self.bytes.len();
            self.bytes.put_i32(-1);
            let written = value
                .to_sql_checked(kind, &mut self.bytes)
                .map_err(|error| Error::broken(format!("a value can't be copied: {error}")))?;
            if let IsNull::No = written {
                let length = i32::try_from(self.bytes.len() - at - 4)
                    .map_err(|_| Error::broken("a value to copy is too long"))?;
                self.bytes[at..at + 4].copy_from_slice(&length.to_be_bytes());
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Another row, whose value in the given column, an `int8`, is a place holder to be [filled](Self::fill) before the rows are
    /// sent: what is under a lock is then the filling, not the writing.
    ///
    /// # Errors
    /// As [`push`](Self::push), or when that column is no `int8` with a value.
    pub fn push_open(&mut self, values: &[&(dyn ToSql + Sync)], column: usize) -> Result<Open> {
        let mut at = self.bytes.len() + size_of::<i16>();
        self.push(values)?;
        for _ in 0..column {
            at += size_of::<i32>() + self.length_at(at)?;
        }
        match self.length_at(at)? {
            8 => Ok(Open(at + size_of::<i32>())),
            _ => Err(Error::broken("a value to be filled in is no int8")),
        }
    }

    /// Fills in a value.
    pub fn fill(&mut self, Open(at): Open, value: i64) {
        self.bytes[at..at + size_of::<i64>()].copy_from_slice(&value.to_be_bytes());
    }

    /// The length of the value that begins there; null has none.
    fn length_at(&self, at: usize) -> Result<usize> {
        let bytes = self.bytes.get(at..at + size_of::<i32>());
        let length = bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(i32::from_be_bytes);
        length
            .map(|length| usize::try_from(length).unwrap_or(0))
            .ok_or_else(|| Error::broken("a row to copy has no such column"))
    }

    /// Sends them by a statement, `copy … from stdin (format binary)`.
    ///
    /// # Errors
    /// The database's; no row is then written.
    pub async fn send(mut self, client: &Client, statement: &str) -> Result<()> {
        self.bytes.put_i16(-1);
        let statement = client.prepare_cached(statement).await?;
        let sink: CopyInSink<Bytes> = client.copy_in(&statement).await?;
        let mut sink = std::pin::pin!(sink);
        let mut bytes = self.bytes.freeze();
        while !bytes.is_empty() {
            sink.feed(bytes.split_to(bytes.len().min(PIECE))).await?;
        }
        let written = sink.finish().await?;
        if written == self.rows {
            Ok(())
        } else {
            Err(Error::broken(format!(
                "{} rows were sent and {written} written",
                self.rows
            )))
        }
    }
}
