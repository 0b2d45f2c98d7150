-- Nesting: the stored melody a step is to run.

-- The version that p_number names (NULL: the latest) of the melody under p_path, else of that id or name; and how many
-- nodes its own body has. Archived melodies are found by their path or id only.
CREATE OR REPLACE FUNCTION ledger_melody(p_organization uuid, p_path text, p_id uuid, p_name text, p_number int)
RETURNS TABLE (version_id uuid, melody_id uuid, name text, size int) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_melody record;
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  SELECT m.id, m.name INTO v_melody FROM melodies_melody m
  WHERE m.organization_id = p_organization
    AND (m.path = p_path OR m.id = p_id OR m.name = p_name AND m.status <> 'archived')
  ORDER BY (m.id = p_id) DESC NULLS LAST, m.id DESC LIMIT 1;
  IF FOUND THEN
    RETURN QUERY
      SELECT v.id, v_melody.id, v_melody.name::text, (
        SELECT count(*)::int FROM executions_plannode p
        WHERE p.version_id = v.id AND p.node < 1000000000 AND p.parent IS NULL AND p.kind <> 'compensation')
      FROM melodies_melodyversion v
      WHERE v.melody_id = v_melody.id AND (p_number IS NULL OR v.number = p_number) ORDER BY v.number DESC LIMIT 1;
  END IF;
END $$;
