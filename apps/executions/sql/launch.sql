-- Launching: all that is to be known before a run begins in one question, and its beginning in one statement.

-- What starting a melody takes: the melody with its organization and project, the actor's standing there, a version (the
-- latest by default), the plan the organization pays for, and what earlier runs remember. NULL: there is no such melody
-- for the actor, who with p_staff need be no member. `version` is null when there is none of that number. Row-level security holds here as everywhere.
CREATE OR REPLACE FUNCTION ledger_facts(
  p_actor uuid, p_melody uuid, p_number int, p_remembered text, p_live text[], p_staff boolean
) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_before text := coalesce(current_setting('app.user_id', true), '');
  v_facts jsonb;
BEGIN
  PERFORM set_config('app.user_id', p_actor::text, true);
  SELECT jsonb_build_object(
    'melody', jsonb_build_object('id', m.id, 'organization_id', m.organization_id, 'name', m.name, 'status', m.status,
                                 'project_id', m.project_id, 'agent_id', m.agent_id),
    'organization', jsonb_build_object('id', o.id, 'name', o.name, 'slug', o.slug, 'subscription_tier', o.subscription_tier),
    'project', CASE WHEN p.id IS NOT NULL THEN jsonb_build_object(
      'id', p.id, 'organization_id', p.organization_id, 'name', p.name, 'access', p.access, 'archived_at', p.archived_at) END,
    'role', s.role,
    'named', CASE WHEN p.id IS NOT NULL THEN (
      SELECT jsonb_agg(DISTINCT a.role) FROM projects_projectaccess a
      WHERE a.project_id = p.id AND (a.user_id = p_actor OR a.team_id IN (
        SELECT t.team_id FROM accounts_teammembership t WHERE t.user_id = p_actor))) END,
    'version', (
      SELECT jsonb_build_object('id', v.id, 'number', v.number, 'sha256', v.sha256,
                                'particular', EXISTS (SELECT 1 FROM executions_plannode n
                                                      WHERE n.version_id = v.id AND n.requires IS NOT NULL),
                                'workflow', coalesce(v.document -> 'workflow', v.document) - 'steps')
      FROM melodies_melodyversion v
      WHERE v.melody_id = m.id AND (p_number IS NULL OR v.number = p_number)
      ORDER BY v.number DESC LIMIT 1),
    'plan', (
      SELECT jsonb_build_object('tier', l.tier, 'features', l.features)
      FROM billing_subscription b JOIN billing_plan l ON l.id = b.plan_id
      WHERE b.organization_id = o.id AND b.status = ANY (p_live) LIMIT 1),
    'remembered', (
      SELECT c.record FROM executions_conversation c
      WHERE c.organization_id = o.id AND c.scope = m.id AND c.name = p_remembered))
  INTO v_facts
  FROM melodies_melody m
  JOIN accounts_organization o ON o.id = m.organization_id AND o.is_active
  LEFT JOIN accounts_membership s ON s.organization_id = o.id AND s.user_id = p_actor
  LEFT JOIN projects_project p ON p.id = m.project_id
  WHERE m.id = p_melody AND (s.role IS NOT NULL OR p_staff);
  PERFORM set_config('app.user_id', v_before, true);
  RETURN v_facts;
END $$;

-- Begin a run: p_row are the columns of the execution, p_variables its variables by name. It gets the tasks of its plan's outermost
-- steps; its entry steps are released at once. One row without a task says how it stands (`payload`: status, status_message,
-- updated_at, next_seq, and how many steps it shows and how many of them are released); before it what is to be sent.
CREATE OR REPLACE FUNCTION ledger_begin(p_row jsonb, p_variables jsonb, p_resend double precision)
RETURNS TABLE (task_id uuid, owner uuid, name text, kind text, queue text, inline boolean, rank double precision, shift int,
               node int, ahead jsonb, payload jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  x executions_execution := jsonb_populate_record(NULL::executions_execution, p_row);
  n record;
BEGIN
  SELECT count(*)::int AS tasks, count(*) FILTER (WHERE s.shown)::int AS steps,
         count(*) FILTER (WHERE s.shown AND s.open = 0)::int AS released, bool_or(s.stripes <> '{}') AS striped,
         array_agg(s.node ORDER BY s.node) FILTER (WHERE s.open = 0) AS entries,
         max(s.node) FILTER (WHERE s.kind = 'compensation') AS compensation
  INTO n
  FROM (SELECT p.*, p.kind NOT IN ('join', 'compensation') AS shown FROM executions_plannode p
        WHERE p.version_id = x.version_id AND p.parent IS NULL OFFSET 0) s;
  x.status := 'pending';
  x.status_message := ledger_message('pending', NULL, NULL);
  x.pooled := ledger_is_pooled(x.organization_id);
  x.next_seq := n.tasks;
  x.compensation := n.compensation;
  INSERT INTO executions_execution SELECT x.*;
  IF p_variables <> '{}' THEN
    INSERT INTO executions_variable (organization_id, execution_id, scope, name, value)
    SELECT x.organization_id, x.id, '00000000-0000-0000-0000-000000000000', v.key, v.value
    FROM jsonb_each(p_variables) v;
  END IF;
  INSERT INTO executions_task (id, organization_id, execution_id, version_id, seq, node, name, kind, queue, status,
                               open, total, need, wants, scopes, gate, limits, dispatched_at, due_at)
  SELECT ledger_task_id(x.id, p.node), x.organization_id, x.id, x.version_id, p.node, p.node, p.name,
         p.kind, p.queue, CASE WHEN p.open = 0 THEN 'dispatched' ELSE 'pending' END, p.open, p.open, p.need, p.wants,
         '{0}', coalesce(p.exclusive, CASE WHEN x.max_parallel IS NOT NULL
             AND NOT p.bodies @? '$[*] ? (@.field != "on_error" && @.field != "compensate")' THEN '*' END),
         p.options -> 'limits',
         CASE WHEN p.open = 0 THEN clock_timestamp() END,
         CASE WHEN p.open = 0 THEN clock_timestamp() + make_interval(secs => p_resend) END
  FROM executions_plannode p
  WHERE p.version_id = x.version_id AND p.parent IS NULL
  ORDER BY p.node;
  IF n.striped THEN
    INSERT INTO executions_stripe (organization_id, execution_id, task_id, stripe, size, open)
    SELECT x.organization_id, x.id, ledger_task_id(x.id, p.node), s.place - 1, s.size, s.size
    FROM executions_plannode p
    CROSS JOIN LATERAL unnest(p.stripes) WITH ORDINALITY AS s(size, place)
    WHERE p.version_id = x.version_id AND p.parent IS NULL AND p.stripes <> '{}' AND s.size > 0;
  END IF;
  PERFORM ledger_event(x.organization_id, x.id, NULL, 'execution_created',
                       jsonb_build_object('tasks', n.steps) || ledger_asked_by());
  RETURN QUERY
    SELECT l.*, NULL::jsonb
    FROM ledger_released(ledger_hold(ARRAY(SELECT ledger_task_id(x.id, u) FROM unnest(n.entries) u))) l;
  payload := jsonb_build_object(
    'status', x.status, 'status_message', x.status_message, 'updated_at', x.updated_at, 'next_seq', x.next_seq,
    'compensation', x.compensation, 'released', n.released, 'steps', n.steps);
  RETURN NEXT;
END $$;
