//! Requests, counted: by the route's pattern (never a path), method and status. Comes in: each answer, from `edge`. Goes out:
//! counters and durations of `kernel::meters`.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use http::{Method, StatusCode};

use crate::kernel::meters::{Counter, HTTP_DURATION, HTTP_REQUESTS, Histogram, Meters};

/// Route, method, status.
type Answered = (&'static str, &'static str, u16);

/// Kept by what tells them apart: as many as there are routes, methods and statuses, and a look-up allocates nothing.
pub(crate) struct HttpMeters {
    meters: Meters,
    known: RwLock<HashMap<Answered, (Counter, Histogram)>>,
}

impl HttpMeters {
    pub(crate) fn new(meters: Meters) -> Self {
        Self {
            meters,
            known: RwLock::default(),
        }
    }

    /// Counts one answer.
    pub(crate) fn answered(
        &self,
        route: &'static str,
        method: &Method,
        status: StatusCode,
        took: Duration,
    ) {
        let key = (route, word(method), status.as_u16());
        let found = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            known.get(&key).map(|(requests, durations)| {
                requests.increment(1);
                durations.record(took.as_secs_f64());
            })
        };
        if found.is_none() {
            let (requests, durations) = self.make(key);
            requests.increment(1);
            durations.record(took.as_secs_f64());
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            known.insert(key, (requests, durations));
        }
    }

    fn make(&self, (route, method, status): (&str, &str, u16)) -> (Counter, Histogram) {
        let route = if route.is_empty() { "none" } else { route };
        let requests = [route, method, &status.to_string()];
        (
            self.meters.counter(&HTTP_REQUESTS, &requests),
            self.meters.histogram(&HTTP_DURATION, &requests[..2]),
        )
    }
}

/// A method as a label: what nobody has heard of must not make a label of its own.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
