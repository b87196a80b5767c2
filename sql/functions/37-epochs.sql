-- Epochs: which sets of judged facts there are at the moment.

CREATE FUNCTION pl.epochs_kept(p_org int) RETURNS TABLE (epoch int, also text)
LANGUAGE plpgsql STABLE ROWS 2 AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT v.epoch, NULL::text FROM org_version AS v WHERE v.org_id = p_org
    UNION ALL
    SELECT v.next_epoch, v.next_strategy FROM org_version AS v WHERE v.org_id = p_org AND v.next_epoch IS NOT NULL;
END $$;
COMMENT ON FUNCTION pl.epochs_kept(int) IS
  'The epochs a writer keeps up to date: the current one, and while a job fills the next one that too, with the strategy that is in force only '
  'there. Stable while the caller holds the organisation''s lock (pl.lock_org)';
