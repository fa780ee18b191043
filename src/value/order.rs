//! Sorting by something other than the items themselves.
//!
//! The standard library's stable sort is compiled anew for every kind of item and every comparison,
//! 4 kB a time. Here the positions of the items are sorted, which is the same code for all of them.

use std::cmp::Ordering;

/// Sorts as the standard library's `sort_by` does: what compares as equal stays in its order.
pub fn sort_by<T>(items: &mut Vec<T>, mut compare: impl FnMut(&T, &T) -> Ordering) {
    let order = positions(items.len(), &mut |a, b| compare(&items[a], &items[b]));
    let mut unsorted: Vec<Option<T>> = items.drain(..).map(Some).collect();
    items.extend(order.into_iter().filter_map(|at| unsorted[at].take()));
}

/// The same by a key of each item.
pub fn sort_by_key<T, K: Ord>(items: &mut Vec<T>, key: impl Fn(&T) -> K) {
    sort_by(items, |a, b| key(a).cmp(&key(b)));
}

/// The numbers from 0 to below `count`, in the order that `compare` says.
fn positions(count: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut positions: Vec<usize> = (0..count).collect();
    positions.sort_by(|a, b| compare(*a, *b));
    positions
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_the_standard_library(items in proptest::collection::vec((0u8..8, any::<u16>()), 0..200)) {
            let mut expected = items.clone();
            expected.sort_by_key(|(key, _)| std::cmp::Reverse(*key));
            let mut sorted = items;
            sort_by_key(&mut sorted, |(key, _)| std::cmp::Reverse(*key));
            prop_assert_eq!(sorted, expected);
        }
    }
}
