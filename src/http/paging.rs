//! Keyset paging: `limit` and an opaque `cursor` in, `{"items": …, "next_cursor": …}` out. A room chooses what its
//! cursor holds (the sort key of the last item), and asks its store for one item more than the limit.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::route::Call;
use crate::kernel::{Error, Result};

/// Items on a page unless asked otherwise.
pub const DEFAULT_LIMIT: usize = 50;
/// Most items on a page.
pub const MAX_LIMIT: usize = 200;

/// What a caller asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<C> {
    /// 1 to 200.
    pub limit: usize,
    /// After which item; `None` = from the start.
    pub after: Option<C>,
}

/// A page on its way out.
#[derive(Debug, Serialize)]
pub struct Listing<T> {
    /// At most `limit`.
    pub items: Vec<T>,
    /// For the next page; `null` on the last.
    pub next_cursor: Option<String>,
}

impl<C: DeserializeOwned> Page<C> {
    /// From `limit` and `cursor` of the query.
    ///
    /// # Errors
    /// `Invalid`: `invalid_limit`, `invalid_cursor`.
    pub fn of(call: &Call) -> Result<Self> {
        let limit = match call.query("limit")? {
            None => DEFAULT_LIMIT,
            Some(text) => text
                .parse::<usize>()
                .ok()
                .filter(|n| (1..=MAX_LIMIT).contains(n) && text.bytes().all(|b| b.is_ascii_digit()))
                .ok_or_else(|| {
                    Error::invalid_at(
                        "invalid_limit",
                        "limit",
                        format!("`limit` is a number from 1 to {MAX_LIMIT}"),
                    )
                })?,
        };
        let after = match call.query("cursor")? {
            None => None,
            Some(text) => Some(read_cursor(text).ok_or_else(|| {
                Error::invalid_at(
                    "invalid_cursor",
                    "cursor",
                    "`cursor` is not one that this list has given as `next_cursor`",
                )
            })?),
        };
        Ok(Self { limit, after })
    }

    /// What to ask the store for: one more than the limit, to know whether there is a next page.
    #[must_use]
    pub fn fetch(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX - 1) + 1
    }
}

impl<T> Listing<T> {
    /// From at most `limit + 1` items in order; `cursor` gives the sort key of an item.
    ///
    /// # Errors
    /// `Internal` when a cursor can't be written as JSON.
    pub fn new<C: Serialize>(
        mut items: Vec<T>,
        limit: usize,
        cursor: impl Fn(&T) -> C,
    ) -> Result<Self> {
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = match items.last() {
            Some(last) if more => Some(write_cursor(&cursor(last))?),
            _ => None,
        };
        Ok(Self { items, next_cursor })
    }

    /// Of a list that looks at a bounded stretch per page, and knows itself where the next begins.
    ///
    /// # Errors
    /// `Internal` when a cursor can't be written as JSON.
    pub fn up_to<C: Serialize>(items: Vec<T>, next: Option<&C>) -> Result<Self> {
        let next_cursor = next.map(write_cursor).transpose()?;
        Ok(Self { items, next_cursor })
    }
}

impl<T> Listing<T> {
    /// From the items of a bounded walk, which may be fewer than were asked for while there is more to look at: `next` is where
    /// it has to go on.
    ///
    /// # Errors
    /// `Internal` when a cursor can't be written as JSON.
    pub fn until<C: Serialize>(items: Vec<T>, next: Option<&C>) -> Result<Self> {
        let next_cursor = next.map(write_cursor).transpose()?;
        Ok(Self { items, next_cursor })
    }
}

fn read_cursor<C: DeserializeOwned>(text: &str) -> Option<C> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

fn write_cursor<C: Serialize>(cursor: &C) -> Result<String> {
    let json = serde_json::to_vec(cursor)
        .map_err(|e| Error::internal("a cursor can't be written as JSON", e))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(query: &[(&str, &str)]) -> Result<Page<(i32, i64)>> {
        Page::of(&Call {
            params: Vec::new(),
            query: query
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
            principal: None,
        })
    }

    #[test]
    fn a_cursor_comes_back_as_what_it_was() {
        let listing = Listing::new(vec![7i64, 8, 9], 2, |n| (1i32, *n)).unwrap();
        assert_eq!(listing.items, [7, 8]);
        let next = listing.next_cursor.unwrap();
        let page = page(&[("cursor", &next), ("limit", "2")]).unwrap();
        assert_eq!(
            page,
            Page {
                limit: 2,
                after: Some((1, 8))
            }
        );
        assert_eq!(page.fetch(), 3);
    }

    #[test]
    fn the_last_page_has_no_next() {
        let full = Listing::new(vec![1, 2], 2, |n| *n).unwrap();
        assert_eq!(full.next_cursor, None);
        assert_eq!(
            serde_json::to_string(&full).unwrap(),
            r#"{"items":[1,2],"next_cursor":null}"#
        );
    }

    #[test]
    fn a_page_of_a_walk_may_hold_nothing_and_still_have_a_next() {
        let listing = Listing::<i32>::until(Vec::new(), Some(&(1i32, 9i64))).unwrap();
        let next = listing.next_cursor.unwrap();
        assert_eq!(page(&[("cursor", &next)]).unwrap().after, Some((1, 9)));
        assert_eq!(
            Listing::until(vec![1], None::<&i64>).unwrap().next_cursor,
            None
        );
    }

    #[test]
    fn bad_limits_and_cursors_are_refused() {
        assert_eq!(page(&[]).unwrap().limit, DEFAULT_LIMIT);
        for limit in ["0", "201", "-1", "+5", "x", ""] {
            let fault = page(&[("limit", limit)]);
            assert!(
                matches!(
                    fault,
                    Err(Error::Invalid {
                        code: "invalid_limit",
                        ..
                    })
                ),
                "{limit}"
            );
        }
        for cursor in ["", "!!!", "e30", "WzEsMl0x"] {
            let fault = page(&[("cursor", cursor)]);
            assert!(
                matches!(
                    fault,
                    Err(Error::Invalid {
                        code: "invalid_cursor",
                        ..
                    })
                ),
                "{cursor}"
            );
        }
    }
}
