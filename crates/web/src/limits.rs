//! Every number that keeps one visitor from taking the shop from the others.

use std::time::Duration;

/// The limits of the server and of a request. The defaults fit a shop on two cores; each can be set by the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// From the first byte of a request's head to its last; also from connecting to the first request.
    pub head_time: Duration,
    /// Header lines of a request; more are answered 431.
    pub head_lines: usize,
    /// Bytes of a request's head; more are answered 431. At least 8,192.
    pub head_bytes: usize,
    /// How long a connection may wait for its next request.
    pub keep_alive: Duration,
    /// Bytes of a form or of any body that is not JSON; more are answered 413.
    pub form_bytes: usize,
    /// Bytes of a JSON body; more are answered 413.
    pub json_bytes: usize,
    /// Fields of a form or query; more are answered 413.
    pub form_fields: usize,
    /// Bytes of a form of the back office, where one form holds all variants of a product.
    pub office_form_bytes: usize,
    /// Fields of a form of the back office.
    pub office_form_fields: usize,
    /// Bytes of a form with files, at the addresses that take files.
    pub upload_bytes: usize,
    /// Bytes of one file in it.
    pub file_bytes: usize,
    /// Files in it.
    pub files: usize,
    /// From the head of a form with files to its answer: a phone sends a dozen photos slowly.
    pub upload_time: Duration,
    /// How long a body may pause; then 408.
    pub body_idle: Duration,
    /// From a request's head to its answer; then 503. An operation that has begun goes on (see [`crate::run`]).
    pub request_time: Duration,
    /// How long a client may take no byte of an answer; then the connection is closed.
    pub write_stall: Duration,
    /// Streams of one HTTP/2 connection.
    pub h2_streams: u32,
    /// Connections of one address (IPv4) or one /64 network (IPv6). Trusted proxies are not counted.
    pub connections_per_address: usize,
    /// Connections in all; the next ones are closed at once.
    pub connections: usize,
    /// Requests worked on at once; the next ones are answered 503. A quarter of the places is kept for those who pay.
    pub requests_at_once: usize,
    /// Of those, requests of visitors who only look around: as many as keep the machine busy, for more would only make all
    /// of them slower, and those who pay with them. Never more than half of all.
    pub lookers_at_once: usize,
    /// How long somebody who looks around may wait for a place, in a line of three for each place.
    pub looking_wait: Duration,
    /// How long somebody who pays may wait for a place.
    pub paying_wait: Duration,
    /// Changes (POST and the like) one address may send in a burst; then 429.
    pub changes_burst: u32,
    /// Changes one address may send in a minute in the long run.
    pub changes_per_minute: u32,
    /// Addresses whose changes are counted at a time.
    pub counted_addresses: usize,
    /// How long requests in flight may take to finish when the server stops.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_time: Duration::from_secs(10),
            head_lines: 64,
            head_bytes: 16 * 1024,
            keep_alive: Duration::from_mins(1),
            form_bytes: 64 * 1024,
            json_bytes: 256 * 1024,
            form_fields: 500,
            office_form_bytes: 1024 * 1024,
            office_form_fields: 8_000,
            upload_bytes: 64 * 1024 * 1024,
            file_bytes: 25 * 1024 * 1024,
            files: 50,
            upload_time: Duration::from_mins(5),
            body_idle: Duration::from_secs(15),
            request_time: Duration::from_secs(30),
            write_stall: Duration::from_secs(20),
            h2_streams: 64,
            connections_per_address: 100,
            connections: 12_000,
            requests_at_once: 512,
            lookers_at_once: 64,
            looking_wait: Duration::from_millis(500),
            paying_wait: Duration::from_secs(5),
            changes_burst: 60,
            changes_per_minute: 120,
            counted_addresses: 10_000,
            shutdown_grace: Duration::from_secs(25),
        }
    }
}

impl Limits {
    /// The most fields of a form sent here.
    pub(crate) fn fields_at(&self, asked: &crate::Asked) -> usize {
        if asked.is_office() {
            self.office_form_fields
        } else {
            self.form_fields
        }
    }

    /// The most bytes of a form sent here.
    pub(crate) fn form_bytes_at(&self, asked: &crate::Asked) -> usize {
        if asked.takes_files() {
            self.upload_bytes
        } else if asked.is_office() {
            self.office_form_bytes
        } else {
            self.form_bytes
        }
    }

    /// How long an answer may take here.
    pub(crate) fn time_at(&self, asked: &crate::Asked) -> Duration {
        if asked.takes_files() {
            self.upload_time
        } else {
            self.request_time
        }
    }
}
