//! The shop itself: one module per business area, with its rules, SQL, events and jobs.
