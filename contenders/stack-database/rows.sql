-- Compares a response with the table. The response comes from standard input: {"id": 1, "randomNumber": 2},
-- or an array of such objects.
\set ON_ERROR_STOP on
\set VERBOSITY terse
CREATE TEMPORARY TABLE response (line text);
-- Reads the response as lines of text: JSON contains neither this delimiter nor this quote.
\copy response FROM pstdin WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02')
DO $$
DECLARE
    body jsonb;
    answered record;
    stored integer;
BEGIN
    SELECT string_agg(line, '')::jsonb INTO body FROM response;
    IF jsonb_typeof(body) = 'object' THEN
        body := jsonb_build_array(body);
    END IF;
    FOR answered IN
        SELECT (row->>'id')::integer AS id, (row->>'randomNumber')::integer AS random_number
        FROM jsonb_array_elements(body) AS row
    LOOP
        SELECT random_number INTO stored FROM world WHERE id = answered.id;
        IF stored IS DISTINCT FROM answered.random_number THEN
            RAISE EXCEPTION 'the response has the number % for the row %, and the table has %',
                answered.random_number, answered.id, coalesce(stored::text, 'no such row');
        END IF;
    END LOOP;
END
$$;
