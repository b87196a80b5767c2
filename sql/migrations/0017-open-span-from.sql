-- What was open at an instant lies between two ends, and one index serves only one of them: by valid_to everything that was still open later has to be passed,
-- which for a quarter long past is nearly all there is, and more with every write. By valid_from it is what had begun by then, however much came after.
-- PostgreSQL takes whichever is shorter.
CREATE INDEX open_span_from ON open_span (org_id, valid_from, valid_to);
