//! ansible-vault envelopes and the secrets that open them.
