-- What erasure takes out of a text, and what it leaves.
BEGIN;
SELECT plan(17);

SELECT is(pl.person_pattern('{Ann Lee,ann@x.org,Bo}'), '(?<![[:alnum:]])(ann\@x\.org|Ann Lee)(?![[:alnum:]])', 'addresses and names of several words; a single word is not looked for');
SELECT is(pl.person_pattern('{Bo}'), NULL, 'nothing to look for');
SELECT is(pl.person_filter('{Bo}'), NULL, 'and nowhere to look');
SELECT is(pl.person_filter(ARRAY['Al "Bo" Lee', 'Bo', 'al@x.org']), 'Al \"Bo\" Lee|Al \\\"Bo\\\" Lee|al\@x\.org', 'each as it is, and as JSON writes it');
SELECT is((SELECT array_agg((p.pattern IS NULL)::text || (p.filter IS NULL)::text) FROM pl.person_pieces('{}') AS p), '{truetrue}', 'without names one piece, of nothing');
SELECT is((SELECT array_agg(cardinality(string_to_array(p.filter, '|'))) FROM pl.person_pieces(ARRAY(SELECT 'Al Lee ' || n FROM generate_series(1, 120) AS n)) AS p),
          '{50,50,20}', 'many names in pieces, as a pattern takes the square of its length');
SELECT ok((SELECT p.pattern FROM pl.person_pieces(ARRAY(SELECT 'Al Lee ' || n FROM generate_series(1, 120) AS n)) AS p LIMIT 1) LIKE '%Al Lee 100%', 'the longest first');
SELECT is(pl.scrubbed_text('Call ANN LEE, not Ann Leeds or Joann Lee', pl.person_pattern('{Ann Lee}'), '(erased 1)'),
          'Call (erased 1), not Ann Leeds or Joann Lee', 'whole words, whatever their case');
SELECT is(pl.scrubbed('{"Ann Lee": ["Ann Lee", 1.50, null, {"x": "to ann@x.org"}]}', pl.person_pattern('{Ann Lee,ann@x.org}'), '(erased 1)'),
          '{"Ann Lee": ["(erased 1)", 1.50, null, {"x": "to (erased 1)"}]}', 'values, not the names of members');
SELECT is(pl.scrubbed('{"x": 1.50}', 'y', 'z')::text, '{"x": 1.50}', 'decimals stay as they were written');
SELECT is(pl.scrubbed_text('{"a": "Ren\u00e9 Roy"}', pl.person_pattern('{René Roy}'), '(erased 1)'), '{"a": "(erased 1)"}', 'JSON with escapes kept as text');
SELECT is(pl.scrubbed_text('{broken René Roy', pl.person_pattern('{René Roy}'), '(erased 1)'), '{broken (erased 1)', 'what only looks like JSON');
SELECT is(pl.scrubbed_text('a (b) c+d', pl.person_pattern('{a (b) c+d}'), '#'), '#', 'characters that mean something in a pattern');
SELECT is(pl.erased_patch('{"name": "A", "email": "b", "team": "t"}', 'M'), '{"name": "M", "team": "t"}', 'own record: marked and without address');
SELECT is(pl.erased_patch('{"team": "t"}', 'M'), '{"team": "t"}', 'a patch of neither says neither');
SELECT is(pl.erased_patch('{"name": null, "email": null}', 'M'), '{"name": null, "email": null}', 'cleared stays cleared');
SELECT is(pl.scrubbed_patch('{"name": "To Ann Lee", "owner": "Ann Lee", "attributes": {"by": "Ann Lee"}}', pl.person_pattern('{Ann Lee}'), '#'),
          '{"name": "To #", "owner": "Ann Lee", "attributes": {"by": "#"}}', 'texts, not references');

SELECT * FROM finish();
ROLLBACK;
