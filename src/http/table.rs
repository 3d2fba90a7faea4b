//! From a path to the route that answers it. Comes in: every room's [`Route`]s, once, and then a path per request. Goes
//! out: the routes of that path with the values of its variables. Literal segments win over variables
//! (`/v1/notifications/count` over `/v1/notifications/{id}`).

use std::collections::HashMap;

use http::Method;
use percent_encoding::percent_decode_str;

use super::route::Route;
use crate::kernel::{Error, Result};

/// All routes, as a tree of path segments.
#[derive(Default)]
pub(crate) struct Table {
    root: Segment,
}

#[derive(Default)]
struct Segment {
    literals: HashMap<&'static str, Segment>,
    variable: Option<Box<Segment>>,
    routes: Vec<(Route, Vec<&'static str>)>,
}

/// What a path leads to.
pub(crate) struct Found<'t> {
    routes: &'t [(Route, Vec<&'static str>)],
    values: Vec<String>,
}

impl Table {
    /// # Errors
    /// `Internal` when two routes are the same or a path isn't one: a fault of ours, found at start.
    pub(crate) fn new(routes: Vec<Route>) -> Result<Self> {
        let mut table = Self::default();
        for route in routes {
            let Some(path) = route.path.strip_prefix('/') else {
                return Err(Error::broken(format!("`{}` is not a path", route.path)));
            };
            let mut here = &mut table.root;
            let mut names = Vec::new();
            for segment in path.split('/') {
                let name = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}'));
                here = match name {
                    Some(name) => {
                        names.push(name);
                        &mut **here.variable.get_or_insert_default()
                    }
                    None => here.literals.entry(segment).or_default(),
                };
            }
            if here.routes.iter().any(|(r, _)| r.method == route.method) {
                return Err(Error::broken(format!(
                    "`{} {}` is routed twice",
                    route.method, route.path
                )));
            }
            here.routes.push((route, names));
        }
        Ok(table)
    }

    /// What answers `path`, as sent: its segments are decoded here, after they were told apart.
    pub(crate) fn find(&self, path: &str) -> Option<Found<'_>> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let mut values = Vec::new();
        let routes = self.root.walk(&segments, &mut values)?;
        Some(Found { routes, values })
    }
}

impl Segment {
    fn walk<'t>(
        &'t self,
        rest: &[&str],
        values: &mut Vec<String>,
    ) -> Option<&'t [(Route, Vec<&'static str>)]> {
        let Some((first, rest)) = rest.split_first() else {
            return (!self.routes.is_empty()).then_some(&self.routes);
        };
        if let Some(found) = self.literals.get(*first).and_then(|s| s.walk(rest, values)) {
            return Some(found);
        }
        let variable = self.variable.as_ref()?;
        let value = percent_decode_str(first).decode_utf8().ok()?;
        if value.is_empty() {
            return None;
        }
        values.push(value.into_owned());
        let found = variable.walk(rest, values);
        if found.is_none() {
            values.pop();
        }
        found
    }
}

impl Found<'_> {
    /// The route of this method (`HEAD` is answered as `GET`), with its variables.
    pub(crate) fn route(self, method: &Method) -> Option<(Route, Vec<(&'static str, String)>)> {
        let wanted = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let (route, names) = self.routes.iter().find(|(r, _)| r.method == *wanted)?;
        let params = names.iter().copied().zip(self.values).collect();
        Some((route.clone(), params))
    }

    /// What may be asked here.
    pub(crate) fn allowed(&self) -> Vec<Method> {
        let mut methods = Vec::new();
        for (route, _) in self.routes {
            methods.push(route.method.clone());
            if route.method == Method::GET {
                methods.push(Method::HEAD);
            }
        }
        methods.push(Method::OPTIONS);
        methods
    }

    /// The path as the route has it, for logs.
    pub(crate) fn pattern(&self) -> &'static str {
        self.routes.first().map_or("", |(r, _)| r.path)
    }
}

/// The pairs of a query, decoded; `None` when a text is not UTF-8.
pub(crate) fn query_pairs(query: &str) -> Option<Vec<(String, String)>> {
    let text = |part: &str| {
        let part = part.replace('+', " ");
        Some(percent_decode_str(&part).decode_utf8().ok()?.into_owned())
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((text(name)?, text(value)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::route::{Access, no_content};

    fn route(method: Method, path: &'static str) -> Route {
        Route::new(method, path, Access::Public, &(), |(), _| async {
            Ok(no_content())
        })
    }

    fn table() -> Table {
        Table::new(vec![
            route(Method::GET, "/v1/notifications"),
            route(Method::POST, "/v1/notifications"),
            route(Method::GET, "/v1/notifications/count"),
            route(Method::GET, "/v1/notifications/{id}"),
            route(Method::PATCH, "/v1/notifications/{id}/read"),
            route(Method::GET, "/v1/users/{user}/roles/{role}"),
        ])
        .unwrap()
    }

    #[test]
    fn literals_win_over_variables_and_variables_are_decoded() {
        let table = table();
        let find = |path: &str| {
            let (route, params) = table.find(path)?.route(&Method::GET)?;
            Some((route.path, params))
        };
        assert_eq!(
            find("/v1/notifications/count").unwrap().0,
            "/v1/notifications/count"
        );
        let (path, params) = find("/v1/users/a%2Fb%20%C3%A9/roles/x+y").unwrap();
        assert_eq!(path, "/v1/users/{user}/roles/{role}");
        assert_eq!(
            params,
            [("user", "a/b é".to_owned()), ("role", "x+y".to_owned())]
        );
        for path in [
            "/",
            "",
            "*",
            "/v1",
            "/v1/notifications/",
            "/v1/notifications//read",
            "/v1/notifications/%ff",
            "/v1/notifications/1/2",
        ] {
            assert!(find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn a_dead_end_behind_a_literal_still_tries_the_variable() {
        let table = table();
        let found = table.find("/v1/notifications/count/read").unwrap();
        assert_eq!(found.allowed(), [Method::PATCH, Method::OPTIONS]);
        assert!(found.route(&Method::GET).is_none());
    }

    #[test]
    fn head_is_answered_as_get_and_the_rest_is_told() {
        let table = table();
        let found = table.find("/v1/notifications").unwrap();
        let allowed = [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS];
        assert_eq!(found.allowed(), allowed);
        assert_eq!(found.route(&Method::HEAD).unwrap().0.method, Method::GET);
    }

    #[test]
    fn two_routes_for_one_thing_are_a_fault_at_start() {
        let twice = vec![route(Method::GET, "/a/{x}"), route(Method::GET, "/a/{y}")];
        assert!(Table::new(twice).is_err());
        assert!(Table::new(vec![route(Method::GET, "a")]).is_err());
    }

    #[test]
    fn queries_are_decoded_in_order() {
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        assert_eq!(
            query_pairs("a=1&b=x+y%26&&c&a=%C3%A9").unwrap(),
            [
                pair("a", "1"),
                pair("b", "x y&"),
                pair("c", ""),
                pair("a", "é")
            ]
        );
        assert!(query_pairs("a=%ff").is_none());
    }
}
