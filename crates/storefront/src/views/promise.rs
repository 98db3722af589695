//! When things arrive.

use commerce::delivery::{self, DeliveryMethod};
use commerce::settings::Settings;
use kernel::time::{HOUR, MINUTE};
use kernel::{Country, Timestamp};

use super::{PromiseView, WithinView};
use crate::say::Say;

/// The count-down is shown for the last hours only: before, it would only press.
const SHOWN_FOR: i64 = 12 * HOUR;

/// Promised days, with the time left to order for them.
pub(crate) fn promise(
    settings: &Settings,
    now: Timestamp,
    (from, to): (Timestamp, Timestamp),
    country: String,
) -> PromiseView {
    let left = delivery::until_dispatch(settings, now).filter(|left| *left < SHOWN_FOR);
    let order_within = left.map(|left| WithinView {
        hours: left / HOUR,
        minutes: left % HOUR / MINUTE,
    });
    PromiseView {
        from,
        to,
        order_within,
        country,
    }
}

/// What is promised to the shop's own country by its first way of delivery to the door.
pub(crate) fn first_parcel(
    settings: &Settings,
    now: Timestamp,
    methods: &[DeliveryMethod],
    say: &Say,
) -> Option<PromiseView> {
    let method = methods.iter().find(|method| !method.is_pickup())?;
    let days = delivery::promise(settings, method, now)?;
    let home: Country = settings.selling.country;
    Some(promise(
        settings,
        now,
        days,
        say.country_in_a_sentence(home),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_to_order_is_told_in_hours_and_minutes() {
        let settings = Settings::default();
        // Monday 23 November 2026, 11:00 in Amsterdam; orders leave until 15:00.
        let now = Timestamp::from_millis(1_795_428_000_000).plus(17 * MINUTE);
        let view = promise(&settings, now, (now, now), "the Netherlands".to_owned());
        assert_eq!(
            view.order_within,
            Some(WithinView {
                hours: 3,
                minutes: 43
            })
        );
        let evening = now.plus(5 * HOUR);
        assert_eq!(
            promise(&settings, evening, (now, now), String::new()).order_within,
            None
        );
        let night = now.plus(-10 * HOUR);
        assert_eq!(
            promise(&settings, night, (now, now), String::new()).order_within,
            None
        );
    }
}
