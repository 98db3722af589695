//! What every web face of the shop shares: accept loop and its limits, sessions, CSRF, errors, headers, metrics.
