//! Routes with what each of them needs, so that the table of permissions is made from the very list that is served.

/// Who may come in at a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Everybody: signing in, claiming a new shop.
    Nothing,
    /// Whoever is signed in.
    SigningIn,
    /// Whoever is signed in and whose role holds this permission.
    Permission(&'static str),
}

/// A route of the back office.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// `get` or `post`.
    pub method: &'static str,
    /// Its pattern.
    pub path: &'static str,
    /// Who may come in.
    pub needs: Needs,
}

/// Declares the routes of a page: method, path, what is needed, handler.
///
/// ```text
/// crate::routes! {
///     get "/admin/orders" (ViewOrders) list;
///     get "/admin/account" (anyone) show;
///     get "/admin/sign-in" (public) show;
/// }
/// ```
#[macro_export]
macro_rules! routes {
    ($($method:ident $path:literal ($needs:ident) $handler:path;)*) => {
        /// What is served here, and to whom.
        pub(crate) const ROUTES: &[$crate::Route] = &[$($crate::Route {
            method: stringify!($method),
            path: $path,
            needs: $crate::needs!($needs),
        }),*];

        /// The handlers.
        pub(crate) fn routes() -> axum::Router<$crate::Admin> {
            axum::Router::new()$(.route($path, axum::routing::$method($handler)))*
        }
    };
}

/// What a word of [`routes!`] stands for.
#[macro_export]
macro_rules! needs {
    (public) => {
        $crate::Needs::Nothing
    };
    (anyone) => {
        $crate::Needs::SigningIn
    };
    ($permission:ident) => {
        $crate::Needs::Permission(
            <commerce::staff::$permission as commerce::staff::Permission>::NAME,
        )
    };
}
