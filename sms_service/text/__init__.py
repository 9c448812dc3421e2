"""Pure text work: encoding and segments, phone numbers, reading replies, the words catalogue."""
