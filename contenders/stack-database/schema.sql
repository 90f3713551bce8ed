-- The tables of the suite `stack`. reset.sql fills `world` before each visit.
\set ON_ERROR_STOP on
CREATE TABLE world (
    id integer PRIMARY KEY,
    random_number integer NOT NULL
);
CREATE TABLE fortune (
    id integer PRIMARY KEY,
    message text NOT NULL
);
-- One message is a script unless it is escaped, and one is not ASCII.
INSERT INTO fortune (id, message) VALUES
    (1, 'Measure twice, optimise once.'),
    (2, 'A test that cannot fail proves nothing.'),
    (3, 'The fastest query is the one that is not sent.'),
    (4, 'An index is a debt that inserts pay.'),
    (5, 'Every timeout is somebody''s guess.'),
    (6, 'Names are harder than algorithms.'),
    (7, 'No plan survives the first million rows.'),
    (8, 'The log was right & nobody read it.'),
    (9, 'Two servers are faster than one, until they talk.'),
    (10, 'A cache is a promise to be wrong later.'),
    (11, '<script>alert("An unescaped fortune is a bad one.");</script>'),
    (12, '測ってから速くする。');
