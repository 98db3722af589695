//! The shared part of the faces, seen from outside: requests in process, and bytes over loopback.

#[cfg(test)]
mod assets;
#[cfg(test)]
mod csrf;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod headers;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod limits;
mod office;
#[cfg(test)]
mod operator;
#[cfg(test)]
mod sockets;
