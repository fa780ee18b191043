//! Numbers that follow from a seed as in Python's `random.Random(seed)`, so that what playbooks
//! choose by the name of a host (the minute of a cron job) stays what it was.

use crate::value::{Kind, Value};
use sha2::{Digest, Sha512};

const SIZE: usize = 624;
const SHIFT: usize = 397;

/// The Mersenne Twister MT19937, seeded by an array of words.
pub struct Seeded {
    state: [u32; SIZE],
    next: usize,
}

impl Seeded {
    /// As Python does with an `int` or a `str`; anything else counts as its text.
    pub fn new(seed: &Value) -> Seeded {
        if let Kind::Int(number) = seed.kind {
            return Seeded::of_bytes(&number.unsigned_abs().to_be_bytes());
        }
        let text = seed.to_text();
        let mut bytes = text.as_bytes().to_vec();
        bytes.extend(Sha512::digest(text.as_bytes()));
        Seeded::of_bytes(&bytes)
    }

    /// Seeds with a number, its highest byte first.
    fn of_bytes(bytes: &[u8]) -> Seeded {
        let word = |chunk: &[u8]| {
            chunk
                .iter()
                .fold(0, |word, byte| word << 8 | u32::from(*byte))
        };
        let mut key: Vec<u32> = bytes.rchunks(4).map(word).collect();
        while key.len() > 1 && key.last() == Some(&0) {
            key.pop();
        }
        let mut seeded = Seeded::of_word(19_650_218);
        seeded.mix(&key);
        seeded
    }

    fn of_word(seed: u32) -> Seeded {
        let mut state = [seed; SIZE];
        for i in 1..SIZE {
            let before = state[i - 1] ^ (state[i - 1] >> 30);
            state[i] = before.wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        Seeded { state, next: SIZE }
    }

    fn mix(&mut self, key: &[u32]) {
        let mut i = 1;
        for round in 0..SIZE.max(key.len()) {
            let j = round % key.len();
            let mixed = self.mixed(i, 1_664_525);
            self.state[i] = mixed.wrapping_add(key[j]).wrapping_add(j as u32);
            i = self.after(i);
        }
        for _ in 1..SIZE {
            self.state[i] = self.mixed(i, 1_566_083_941).wrapping_sub(i as u32);
            i = self.after(i);
        }
        self.state[0] = 0x8000_0000;
    }

    fn mixed(&self, i: usize, factor: u32) -> u32 {
        let before = self.state[i - 1] ^ (self.state[i - 1] >> 30);
        self.state[i] ^ before.wrapping_mul(factor)
    }

    fn after(&mut self, i: usize) -> usize {
        if i + 1 < SIZE {
            return i + 1;
        }
        self.state[0] = self.state[SIZE - 1];
        1
    }

    fn refill(&mut self) {
        for i in 0..SIZE {
            let bits = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % SIZE] & 0x7fff_ffff);
            let odd = if bits & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + SHIFT) % SIZE] ^ (bits >> 1) ^ odd;
        }
        self.next = 0;
    }

    fn word(&mut self) -> u32 {
        if self.next == SIZE {
            self.refill();
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// A number of so many bits, at most 64.
    fn bits(&mut self, count: u32) -> u64 {
        match count {
            0 => 0,
            1..=32 => u64::from(self.word() >> (32 - count)),
            _ => {
                let low = u64::from(self.word());
                low | (u64::from(self.word() >> (64 - count)) << 32)
            }
        }
    }

    /// A number from 0 up to `end`, which is not among them; 0 where that is no number.
    pub fn below(&mut self, end: u64) -> u64 {
        let count = 64 - end.leading_zeros();
        loop {
            let number = self.bits(count);
            if number < end || end == 0 {
                return number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each as Python 3.11 answers.
    #[test]
    fn numbers_are_those_of_python() {
        for (seed, expected, large) in [
            (Value::str("galaxy.example.org"), [16, 5, 0], 4_992_416_810),
            (Value::str("h1"), [16, 3, 2], 274_543_342_074),
            (Value::str(""), [14, 19, 6], 1_000_556_550_432),
            (Value::from(12), [15, 8, 21], 590_448_785_118),
            (Value::from(0), [12, 13, 1], 849_735_321_549),
        ] {
            let mut seeded = Seeded::new(&seed);
            assert_eq!([(); 3].map(|()| seeded.below(23)), expected, "{seed:?}");
            assert_eq!(Seeded::new(&seed).below(1 << 40), large, "{seed:?}");
        }
        // More than the state holds, and no number at all.
        let mut long = Seeded::new(&Value::str("h1"));
        assert!((0..2000).all(|_| long.below(7) < 7));
        assert_eq!(long.below(0), 0);
    }

    /// Each as ansible-core 2.19.14 answers.
    #[test]
    fn filters_choose_as_ansible_does() {
        use crate::diag::SourceMap;
        use crate::jinja::{Context, Engine};
        use crate::value::Map;
        use std::sync::Arc;

        let engine = Engine::new(SourceMap::default(), Arc::new(|_| Ok(String::new())));
        for (text, expected) in [
            ("23 | random(seed='galaxy.example.org')", "16"),
            ("100 | random(10, 5, seed='h1')", "90"),
            ("'abcdefgh' | list | random(seed=12)", "'h'"),
            (
                "[1, 2, 3, 4, 5, 6] | shuffle(seed='h1')",
                "[3, 2, 4, 6, 1, 5]",
            ),
            ("'52:54:00' | random_mac(seed='h1')", "'52:54:00:dc:83:82'"),
        ] {
            let template = Value::template(format!("{{{{ {text} }}}}"));
            let scope = Arc::new(Map::new());
            let result = engine
                .render(&template, &(scope as _), &Context::default())
                .unwrap();
            assert_eq!(result.repr(), expected, "{text}");
        }
    }
}
