//! Adapters to the outside world: payment gateways and mail.
