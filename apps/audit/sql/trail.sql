-- The trail. Web and workers add to it by `audit_record` and in no other way; the seal is made when the transaction
-- commits, so that the chain of an organization is locked for the length of a commit and not of a request. An ordinary
-- lock order (chains by id, after everything else) keeps two commits from waiting for each other.
--
-- {schema} is where the tables are.

-- In which request a row was written; history tables ask for it by default.
CREATE OR REPLACE FUNCTION app_request_id() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(left(current_setting('app.request_id', true), 64), '') $$;

-- A field as it is hashed: its name, how many bytes it has ("-" for null), itself.
CREATE OR REPLACE FUNCTION audit_field(name text, content text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT name || ':' || coalesce(octet_length(content)::text, '-') || ':' || coalesce(content, '') || E'\n' $$;

-- The one way into the trail. What may stand in it is decided by apps.audit; when it was, by the database.
CREATE OR REPLACE FUNCTION audit_record(
    p_id uuid, p_organization uuid, p_person uuid, p_action text, p_actor uuid, p_actor_kind text, p_channel text,
    p_request_id text, p_correlation_id text, p_address text, p_user_agent text,
    p_target_type text, p_target_id text, p_target_name text, p_before jsonb, p_after jsonb
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
BEGIN
    PERFORM set_config('app.audit', 'writing', true);
    INSERT INTO audit_auditentry (
        id, chain, organization_id, action, actor_id, actor_kind, channel, request_id, correlation_id, address, user_agent,
        target_type, target_id, target_name, before, after, occurred_at, transaction, previous_hash
    ) VALUES (
        p_id,
        -- What belongs to no one in particular is spread over sixteen chains, so that it waits for no other.
        coalesce(p_organization, p_person, lpad(to_hex(get_byte(uuid_send(p_id), 15) % 16), 32, '0')::uuid),
        p_organization, p_action, p_actor, p_actor_kind, p_channel, p_request_id, p_correlation_id, p_address, p_user_agent,
        p_target_type, p_target_id, p_target_name, p_before, p_after, clock_timestamp(), txid_current(), ''
    );
    PERFORM set_config('app.audit', '', true);
END
$$;

-- At commit: number and hash every entry of this transaction, chain by chain.
CREATE OR REPLACE FUNCTION audit_seal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    entry audit_auditentry;
    head audit_auditchain;
BEGIN
    PERFORM set_config('app.audit', 'writing', true);
    -- The trigger comes once for each entry and its first call seals all of them.
    PERFORM FROM audit_auditentry e WHERE e.id = NEW.id AND e.hash IS NULL;
    IF NOT FOUND THEN
        PERFORM set_config('app.audit', '', true);
        RETURN NULL;
    END IF;
    FOR entry IN
        SELECT * FROM audit_auditentry e WHERE e.hash IS NULL AND e.transaction = NEW.transaction ORDER BY e.chain, e.id
    LOOP
        IF head.id IS DISTINCT FROM entry.chain THEN
            UPDATE audit_auditchain c SET length = head.length, hash = head.hash WHERE c.id = head.id;
            SELECT * INTO head FROM audit_auditchain c WHERE c.id = entry.chain FOR UPDATE;
        END IF;
        IF head.id IS NULL THEN
            INSERT INTO audit_auditchain AS c (id, length, hash) VALUES (entry.chain, 0, '')
            ON CONFLICT (id) DO UPDATE SET length = c.length RETURNING * INTO head;
        END IF;
        head.length := head.length + 1;
        entry.sequence := head.length;
        entry.previous_hash := head.hash;
        head.hash := encode(sha256(convert_to(
            audit_field('previous_hash', entry.previous_hash)
            || audit_field('chain', entry.chain::text)
            || audit_field('sequence', entry.sequence::text)
            || audit_field('id', entry.id::text)
            || audit_field('organization', entry.organization_id::text)
            || audit_field('action', entry.action)
            || audit_field('actor', entry.actor_id::text)
            || audit_field('actor_kind', entry.actor_kind)
            || audit_field('channel', entry.channel)
            || audit_field('request_id', entry.request_id)
            || audit_field('correlation_id', entry.correlation_id)
            || audit_field('address', entry.address)
            || audit_field('user_agent', entry.user_agent)
            || audit_field('target_type', entry.target_type)
            || audit_field('target_id', entry.target_id)
            || audit_field('target_name', entry.target_name)
            || audit_field('before', entry.before::text)
            || audit_field('after', entry.after::text)
            || audit_field(
                'occurred_at', to_char(entry.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
            'UTF8')), 'hex');
        UPDATE audit_auditentry e SET sequence = head.length, previous_hash = entry.previous_hash, hash = head.hash
        WHERE e.id = entry.id;
    END LOOP;
    UPDATE audit_auditchain c SET length = head.length, hash = head.hash WHERE c.id = head.id;
    PERFORM set_config('app.audit', '', true);
    RETURN NULL;
END
$$;

-- What is written stays, for everybody who has not switched the trigger off; `audit verify` finds whoever did.
CREATE OR REPLACE FUNCTION audit_keep() RETURNS trigger LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'audit_auditentry' THEN
        -- The seal, once.
        IF to_jsonb(OLD) ->> 'hash' IS NULL AND to_jsonb(NEW) - '{sequence,previous_hash,hash}'::text[]
            = to_jsonb(OLD) - '{sequence,previous_hash,hash}'::text[] THEN
            RETURN NEW;
        END IF;
    ELSIF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'audit_auditsegment' THEN
        -- Its file was removed when its time was over, once.
        IF to_jsonb(OLD) ->> 'discarded_at' IS NULL AND to_jsonb(NEW) - 'discarded_at' = to_jsonb(OLD) - 'discarded_at' THEN
            RETURN NEW;
        END IF;
    ELSIF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'audit_auditentry' THEN
        -- It is in a segment that was archived.
        IF EXISTS (
            SELECT FROM audit_auditsegment s WHERE s.chain = (to_jsonb(OLD) ->> 'chain')::uuid
            AND (to_jsonb(OLD) ->> 'sequence')::bigint BETWEEN s.first_sequence AND s.last_sequence
        ) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'What is written in % stays as it is: % is refused.', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END
$$;
