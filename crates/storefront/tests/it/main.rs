//! The storefront as a browser sees it, on a shop of its own: the real router and database, a scripted gateway.

#[cfg(test)]
mod bag;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod checkout;
#[cfg(test)]
mod files;
#[cfg(test)]
mod paying;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod test_provider;
