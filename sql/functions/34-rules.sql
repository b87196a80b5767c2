-- Rules of a strategy: predicates over an account's attributes, in three-valued logic. Null means: cannot be told, because an
-- attribute is not known. Attributes come flat (attributes.* before the top-level ones of the same name): account_version.attrs.

CREATE FUNCTION pl.as_number(p_value jsonb) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN CASE
    WHEN jsonb_typeof(p_value) = 'number' THEN (p_value #>> '{}')::numeric
    WHEN jsonb_typeof(p_value) = 'string' AND (p_value #>> '{}') ~ '^-?[0-9]{1,30}(\.[0-9]{1,30})?$' THEN (p_value #>> '{}')::numeric
  END;
END $$;
COMMENT ON FUNCTION pl.as_number(jsonb) IS 'A number, or a text that is written as one (CSV sources send those); else null';

CREATE FUNCTION pl.value_equals(p_seen jsonb, p_operand jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF p_seen IS NULL THEN
    RETURN NULL;
  END IF;
  IF p_seen = p_operand THEN
    RETURN true;
  END IF;
  IF jsonb_typeof(p_seen) = jsonb_typeof(p_operand) OR jsonb_typeof(p_seen) = 'array' OR jsonb_typeof(p_operand) = 'array' THEN
    RETURN false;
  END IF;
  IF 'boolean' IN (jsonb_typeof(p_seen), jsonb_typeof(p_operand)) THEN
    RETURN lower(p_seen #>> '{}') = p_operand #>> '{}';
  END IF;
  RETURN coalesce(pl.as_number(p_seen) = pl.as_number(p_operand), false);
END $$;
COMMENT ON FUNCTION pl.value_equals(jsonb, jsonb) IS
  'Equal values; text compares exactly, numbers by value, and a number or truth value written as text equals it. Null when the attribute is unknown';

CREATE FUNCTION pl.value_order(p_seen jsonb, p_operand jsonb) RETURNS int
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_seen numeric;
  v_operand numeric;
BEGIN
  IF jsonb_typeof(p_operand) = 'number' THEN
    v_seen := pl.as_number(p_seen);
    v_operand := (p_operand #>> '{}')::numeric;
    RETURN CASE WHEN v_seen < v_operand THEN -1 WHEN v_seen = v_operand THEN 0 WHEN v_seen > v_operand THEN 1 END;
  END IF;
  IF jsonb_typeof(p_operand) = 'string' AND jsonb_typeof(p_seen) = 'string' THEN
    RETURN CASE
      WHEN (p_seen #>> '{}') COLLATE "C" < (p_operand #>> '{}') COLLATE "C" THEN -1
      WHEN p_seen = p_operand THEN 0
      ELSE 1 END;
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION pl.value_order(jsonb, jsonb) IS
  '-1, 0 or 1 as the attribute is below, at or above the operand: numbers by value, texts (dates) by their characters. '
  'Null when unknown or not comparable';

CREATE FUNCTION pl.value_in(p_seen jsonb, p_operands jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF p_seen IS NULL THEN
    RETURN NULL;
  END IF;
  IF jsonb_typeof(p_seen) = 'array' THEN
    FOR i IN 0 .. jsonb_array_length(p_seen) - 1 LOOP
      IF pl.value_in(p_seen -> i, p_operands) THEN
        RETURN true;
      END IF;
    END LOOP;
    RETURN false;
  END IF;
  FOR i IN 0 .. jsonb_array_length(p_operands) - 1 LOOP
    IF pl.value_equals(p_seen, p_operands -> i) THEN
      RETURN true;
    END IF;
  END LOOP;
  RETURN false;
END $$;
COMMENT ON FUNCTION pl.value_in(jsonb, jsonb) IS 'The value, or any element of a list value, is among the operands; null when the attribute is unknown';

CREATE FUNCTION pl.value_contains(p_seen jsonb, p_operand jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN CASE jsonb_typeof(p_seen)
    WHEN 'array' THEN pl.value_in(p_seen, jsonb_build_array(p_operand))
    WHEN 'string' THEN position((p_operand #>> '{}') IN (p_seen #>> '{}')) > 0
    ELSE p_seen = p_operand END;
END $$;
COMMENT ON FUNCTION pl.value_contains(jsonb, jsonb) IS 'A list has the element, a text has the part (case counts); null when the attribute is unknown';

CREATE FUNCTION pl.rule_holds(p_rule jsonb, p_attrs jsonb, p_attr text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_result boolean := true;
  v_seen jsonb;
BEGIN
  IF jsonb_typeof(p_rule) = 'array' THEN
    FOR i IN 0 .. jsonb_array_length(p_rule) - 1 LOOP
      v_result := v_result AND pl.rule_holds(p_rule -> i, p_attrs, p_attr);
      EXIT WHEN NOT v_result;
    END LOOP;
    RETURN v_result;
  END IF;
  v_seen := nullif(p_attrs -> coalesce(p_rule ->> 'attr', p_attr), 'null');
  RETURN (NOT p_rule ? 'eq'       OR pl.value_equals(v_seen, p_rule -> 'eq'))
     AND (NOT p_rule ? 'ne'       OR NOT pl.value_equals(v_seen, p_rule -> 'ne'))
     AND (NOT p_rule ? 'in'       OR pl.value_in(v_seen, p_rule -> 'in'))
     AND (NOT p_rule ? 'not_in'   OR NOT pl.value_in(v_seen, p_rule -> 'not_in'))
     AND (NOT p_rule ? 'gt'       OR pl.value_order(v_seen, p_rule -> 'gt') > 0)
     AND (NOT p_rule ? 'gte'      OR pl.value_order(v_seen, p_rule -> 'gte') >= 0)
     AND (NOT p_rule ? 'lt'       OR pl.value_order(v_seen, p_rule -> 'lt') < 0)
     AND (NOT p_rule ? 'lte'      OR pl.value_order(v_seen, p_rule -> 'lte') <= 0)
     AND (NOT p_rule ? 'contains' OR pl.value_contains(v_seen, p_rule -> 'contains'))
     AND (NOT p_rule ? 'exists'   OR (v_seen IS NOT NULL) = (p_rule -> 'exists')::boolean)
     AND (NOT p_rule ? 'any'      OR pl.any_rule_holds(p_rule -> 'any', p_attrs, coalesce(p_rule ->> 'attr', p_attr)))
     AND (NOT p_rule ? 'not'      OR NOT pl.rule_holds(p_rule -> 'not', p_attrs, coalesce(p_rule ->> 'attr', p_attr)));
END $$;
COMMENT ON FUNCTION pl.rule_holds(jsonb, jsonb, text) IS
  'A rule (an object: its operators and-ed; a list: its rules and-ed) over flat attributes; true, false, or null where it cannot be told. '
  'p_attr: the attribute of rules that name none. SPEC 4';

CREATE FUNCTION pl.any_rule_holds(p_rules jsonb, p_attrs jsonb, p_attr text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_result boolean := false;
BEGIN
  FOR i IN 0 .. jsonb_array_length(p_rules) - 1 LOOP
    v_result := v_result OR pl.rule_holds(p_rules -> i, p_attrs, p_attr);
    EXIT WHEN v_result;
  END LOOP;
  RETURN v_result;
END $$;
COMMENT ON FUNCTION pl.any_rule_holds(jsonb, jsonb, text) IS 'At least one of the rules holds; null where none surely does and one cannot be told';

CREATE FUNCTION pl.rule_attributes(p_body jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN ARRAY(
    SELECT DISTINCT (attr #>> '{}') COLLATE "C"
      FROM jsonb_path_query(jsonb_build_array(p_body -> 'segments', p_body -> 'fit'), 'strict $.**.attr', silent => true) AS attr
     WHERE jsonb_typeof(attr) = 'string'
     ORDER BY 1);
END $$;
COMMENT ON FUNCTION pl.rule_attributes(jsonb) IS 'The account attributes that the segments and the fit of a strategy document read';
