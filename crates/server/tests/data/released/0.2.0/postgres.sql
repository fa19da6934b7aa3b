--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: admin_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.admin_keys (
    project_no bigint NOT NULL,
    id text NOT NULL,
    name text NOT NULL,
    secret_hash bytea,
    public_jwk text,
    scopes text NOT NULL,
    created_at bigint NOT NULL,
    last_used_at bigint,
    revoked_at bigint
);


--
-- Name: authorization_codes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.authorization_codes (
    project_no bigint NOT NULL,
    code_hash bytea NOT NULL,
    payload text NOT NULL,
    expires_at bigint NOT NULL
);


--
-- Name: client_secrets; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.client_secrets (
    project_no bigint NOT NULL,
    client_id text NOT NULL,
    secret_hash bytea NOT NULL,
    created_at bigint NOT NULL
);


--
-- Name: client_starts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.client_starts (
    project_no bigint NOT NULL,
    client_id text NOT NULL,
    started_at bigint NOT NULL
);


--
-- Name: consents; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.consents (
    project_no bigint NOT NULL,
    user_id bytea NOT NULL,
    client_id text NOT NULL,
    scope text NOT NULL,
    granted_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    last_used_at bigint
);


--
-- Name: daily_counts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.daily_counts (
    project_no bigint NOT NULL,
    day bigint NOT NULL,
    client_id text NOT NULL,
    name text NOT NULL,
    count bigint NOT NULL
);


--
-- Name: device_codes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.device_codes (
    project_no bigint NOT NULL,
    code_hash bytea NOT NULL,
    user_code text NOT NULL,
    client_id text NOT NULL,
    scope text NOT NULL,
    expires_at bigint NOT NULL,
    user_id bytea,
    decision text
);


--
-- Name: device_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.device_keys (
    project_no bigint NOT NULL,
    kid text NOT NULL,
    id bytea NOT NULL,
    user_id bytea NOT NULL,
    jwk text NOT NULL,
    created_at bigint NOT NULL,
    last_used_at bigint NOT NULL,
    promoted_at bigint,
    device text
);


--
-- Name: events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.events (
    project_no bigint NOT NULL,
    seq bigint NOT NULL,
    user_id bytea,
    type text NOT NULL,
    client_id text,
    body text NOT NULL,
    created_at bigint NOT NULL
);


--
-- Name: external_accounts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.external_accounts (
    project_no bigint NOT NULL,
    provider text NOT NULL,
    subject text NOT NULL,
    id bytea NOT NULL,
    user_id bytea NOT NULL,
    profile text,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);


--
-- Name: flows; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.flows (
    project_no bigint NOT NULL,
    id bytea NOT NULL,
    state text NOT NULL,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);


--
-- Name: foreign_subjects; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.foreign_subjects (
    project_no bigint NOT NULL,
    id text NOT NULL,
    user_id bytea
);


--
-- Name: grants; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.grants (
    project_no bigint NOT NULL,
    id bytea NOT NULL,
    user_id bytea NOT NULL,
    client_id text NOT NULL,
    token_hash bytea NOT NULL,
    scope text,
    created_at bigint NOT NULL,
    last_access_at bigint NOT NULL,
    authenticated_at bigint NOT NULL,
    amr text,
    session_id bytea,
    dpop_jkt text,
    device text,
    previous_hash bytea,
    rotated_at bigint,
    has_revoked_tokens bigint DEFAULT 0 NOT NULL,
    ends_at bigint
);


--
-- Name: hook_deliveries; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.hook_deliveries (
    id bigint NOT NULL,
    project_no bigint NOT NULL,
    seq bigint NOT NULL,
    lane bytea NOT NULL,
    url text NOT NULL,
    type text NOT NULL,
    body text NOT NULL,
    state bigint NOT NULL,
    attempts bigint NOT NULL,
    created_at bigint NOT NULL,
    due_at bigint NOT NULL,
    finished_at bigint,
    last_status bigint,
    last_error text,
    claimed_by bigint,
    tries text
);


--
-- Name: hook_deliveries_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.hook_deliveries ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.hook_deliveries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: idempotency; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.idempotency (
    project_no bigint NOT NULL,
    key_hash bytea NOT NULL,
    request_hash bytea NOT NULL,
    status bigint,
    answer text,
    started_at bigint NOT NULL,
    expires_at bigint NOT NULL
);


--
-- Name: job_state; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.job_state (
    name text NOT NULL,
    cursor bytea,
    updated_at bigint NOT NULL
);


--
-- Name: limit_counts; Type: TABLE; Schema: public; Owner: -
--

CREATE UNLOGGED TABLE public.limit_counts (
    node bytea NOT NULL,
    body bytea NOT NULL,
    updated_at bigint NOT NULL
);


--
-- Name: login_ids; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.login_ids (
    project_no bigint NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    id bytea NOT NULL,
    user_id bytea NOT NULL,
    original text NOT NULL,
    verified_at bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);


--
-- Name: login_method_changes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.login_method_changes (
    project_no bigint NOT NULL,
    user_id bytea NOT NULL,
    no bigint NOT NULL,
    id bytea NOT NULL,
    identity_id bytea NOT NULL,
    before text,
    expires_at bigint NOT NULL
);


--
-- Name: merges; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.merges (
    project_no bigint NOT NULL,
    id bytea NOT NULL,
    guest_id bytea NOT NULL,
    member_id bytea NOT NULL,
    state bigint NOT NULL,
    client_id text,
    requested_at bigint NOT NULL,
    answer_by bigint,
    changed_at bigint NOT NULL,
    undo_until bigint,
    asked bigint NOT NULL,
    asked_at bigint,
    reason text,
    kept text,
    asking_until bigint
);


--
-- Name: migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.migrations (
    version bigint NOT NULL,
    name text NOT NULL
);


--
-- Name: operator_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.operator_events (
    id bytea NOT NULL,
    operator_id bytea,
    email text NOT NULL,
    done_by text NOT NULL,
    act text NOT NULL,
    detail text NOT NULL,
    ip text,
    created_at bigint NOT NULL,
    times bigint DEFAULT 1 NOT NULL
);


--
-- Name: operator_links; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.operator_links (
    token_hash bytea NOT NULL,
    purpose text NOT NULL,
    project_no bigint NOT NULL,
    role text NOT NULL,
    email text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    made_by bytea,
    is_mailed bigint DEFAULT 0 NOT NULL
);


--
-- Name: operator_passkeys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.operator_passkeys (
    credential_id bytea NOT NULL,
    id bytea NOT NULL,
    operator_id bytea NOT NULL,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    name text NOT NULL,
    created_at bigint NOT NULL,
    last_used_at bigint,
    backup_eligible bigint
);


--
-- Name: operator_roles; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.operator_roles (
    project_no bigint NOT NULL,
    operator_id bytea NOT NULL,
    role text NOT NULL
);


--
-- Name: operator_sessions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.operator_sessions (
    token_hash bytea NOT NULL,
    operator_id bytea NOT NULL,
    created_at bigint NOT NULL,
    last_access_at bigint NOT NULL,
    proved_at bigint NOT NULL
);


--
-- Name: operators; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.operators (
    id bytea NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    password_hash text,
    created_at bigint NOT NULL,
    email_proved_at bigint,
    credential_generation bigint
);


--
-- Name: outbox; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox (
    id bigint NOT NULL,
    project_no bigint NOT NULL,
    kind text NOT NULL,
    user_id bytea,
    payload text NOT NULL,
    created_at bigint NOT NULL,
    due_at bigint NOT NULL,
    attempts bigint DEFAULT 0 NOT NULL,
    last_error text,
    claimed_by bigint
);


--
-- Name: outbox_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: passkeys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.passkeys (
    project_no bigint NOT NULL,
    credential_id bytea NOT NULL,
    id bytea NOT NULL,
    user_id bytea NOT NULL,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    name text,
    created_at bigint NOT NULL,
    last_used_at bigint,
    backup_eligible bigint
);


--
-- Name: passwords; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.passwords (
    project_no bigint NOT NULL,
    user_id bytea NOT NULL,
    hash text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);


--
-- Name: project_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.project_keys (
    project_no bigint NOT NULL,
    kid text NOT NULL,
    purpose text NOT NULL,
    sealed bytea NOT NULL,
    created_at bigint NOT NULL,
    retired_at bigint
);


--
-- Name: projects; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.projects (
    no bigint NOT NULL,
    id text NOT NULL,
    public_origin text NOT NULL,
    settings text NOT NULL,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    authority text
);


--
-- Name: projects_no_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.projects ALTER COLUMN no ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.projects_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: provider_secrets; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.provider_secrets (
    project_no bigint NOT NULL,
    alias text NOT NULL,
    sealed bytea NOT NULL,
    updated_at bigint NOT NULL
);


--
-- Name: repeats; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.repeats (
    project_no bigint NOT NULL,
    id bytea NOT NULL,
    untold bigint NOT NULL,
    payload text NOT NULL,
    user_id bytea,
    tell_at bigint NOT NULL
);


--
-- Name: retention_holds; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.retention_holds (
    project_no bigint NOT NULL,
    user_id bytea NOT NULL,
    id bytea NOT NULL,
    owner text NOT NULL,
    reason text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);


--
-- Name: retention_marks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.retention_marks (
    project_no bigint NOT NULL,
    user_id bytea NOT NULL,
    warned_at bigint,
    expired_at bigint
);


--
-- Name: sessions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.sessions (
    project_no bigint NOT NULL,
    id bytea NOT NULL,
    user_id bytea NOT NULL,
    secret_hash bytea NOT NULL,
    created_at bigint NOT NULL,
    last_access_at bigint NOT NULL,
    authenticated_at bigint NOT NULL,
    amr text,
    device text
);


--
-- Name: spent; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.spent (
    project_no bigint NOT NULL,
    id bytea NOT NULL,
    holder bytea,
    expires_at bigint NOT NULL
);


--
-- Name: subjects; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.subjects (
    project_no bigint NOT NULL,
    id bytea NOT NULL,
    user_id bytea,
    since bigint DEFAULT 0 NOT NULL
);


--
-- Name: tries; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tries (
    project_no bigint NOT NULL,
    id bytea NOT NULL,
    full_until bigint NOT NULL
);


--
-- Name: user_names; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_names (
    project_no bigint NOT NULL,
    phrase text NOT NULL COLLATE pg_catalog."C",
    user_id bytea NOT NULL
);


--
-- Name: users; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.users (
    project_no bigint NOT NULL,
    id bytea NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    last_login_at bigint,
    anonymous_since bigint,
    promoted_at bigint,
    disabled_at bigint,
    yielded_to bytea,
    standard_attributes text,
    custom_attributes text,
    seen_day bigint,
    sessions_ended_at bigint,
    credential_generation bigint,
    full_endings bigint,
    left_at bigint,
    left_client text
);


--
-- Data for Name: admin_keys; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: authorization_codes; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: client_secrets; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: client_starts; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: consents; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: daily_counts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.daily_counts VALUES (1, 20787, 'rotating', 'guests_promoted', 1);
INSERT INTO public.daily_counts VALUES (1, 20787, 'rotating', 'guests_promoted_of_day', 1);
INSERT INTO public.daily_counts VALUES (1, 20787, 'rotating', 'promoted_within_10m', 1);
INSERT INTO public.daily_counts VALUES (1, 20787, 'rotating', 'guests_promoted_by:username', 1);


--
-- Data for Name: device_codes; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: device_keys; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.events VALUES (1, 1, NULL, 'project.created', NULL, '{"context":{"app_id":"crash","audit_context":{"command":"vestibule project apply"},"geo_location_code":null,"language":"en","preferred_languages":[],"timestamp":1796072614,"triggered_by":"system"},"id":"01a22e45-2bfc-7909-b20d-866d8addc681","payload":{"target":"crash"},"seq":1,"type":"project.created"}', 1796072614908883);
INSERT INTO public.events VALUES (1, 2, '\x01a22e452c5a738aa8447c56aeb6d250', 'user.signed_out', 'rotating', '{"context":{"app_id":"crash","audit_context":{},"client_id":"rotating","geo_location_code":null,"ip_address":"100.0.0.1","language":"en","preferred_languages":[],"timestamp":1796072615,"triggered_by":"user","user_id":"01a22e45-2c5a-738a-a844-7c56aeb6d250"},"id":"01a22e45-2c5e-7dca-aa4e-33517a030d94","payload":{"session":{"client_id":"rotating","created_at":"2026-11-30T21:03:35.002Z","id":"01a22e45-2c5a-7d8c-9e97-c037e8ed0b19","last_accessed_at":"2026-11-30T21:03:35.002Z","type":"offline_grant"},"user":{"can_reauthenticate":false,"created_at":"2026-11-30T21:03:35.002Z","custom_attributes":{},"groups":[],"id":"01a22e45-2c5a-738a-a844-7c56aeb6d250","is_anonymized":false,"is_anonymous":true,"is_deactivated":false,"is_disabled":false,"is_verified":false,"roles":[],"standard_attributes":{},"updated_at":"2026-11-30T21:03:35.002Z","x_web3":{}}},"seq":2,"type":"user.signed_out"}', 1796072615006292);
INSERT INTO public.events VALUES (1, 3, '\x01a22e452c5d71bcafd9dd5059624b8a', 'user.anonymous.promoted', 'rotating', '{"context":{"app_id":"crash","audit_context":{},"client_id":"rotating","geo_location_code":null,"ip_address":"127.0.0.1","language":"en","oauth":{"state":"s 1"},"preferred_languages":[],"timestamp":1796072615,"triggered_by":"user","user_id":"01a22e45-2c5d-71bc-afd9-dd5059624b8a"},"id":"01a22e45-2c6f-7df7-956e-29144e27e326","payload":{"anonymous_user":{"can_reauthenticate":false,"created_at":"2026-11-30T21:03:35.005Z","custom_attributes":{},"groups":[],"id":"01a22e45-2c5d-71bc-afd9-dd5059624b8a","is_anonymized":false,"is_anonymous":true,"is_deactivated":false,"is_disabled":false,"is_verified":false,"roles":[],"standard_attributes":{},"updated_at":"2026-11-30T21:03:35.005Z","x_web3":{}},"identities":[{"claims":{"https://authgear.com/claims/login_id/key":"username","https://authgear.com/claims/login_id/original":"kim","https://authgear.com/claims/login_id/type":"username","https://authgear.com/claims/login_id/value":"kim","preferred_username":"kim"},"created_at":"2026-11-30T21:03:35.023Z","id":"01a22e45-2c6f-7a59-bbcc-2a168fa3f03a","type":"login_id","updated_at":"2026-11-30T21:03:35.023Z","user_id":"01a22e45-2c5d-71bc-afd9-dd5059624b8a"}],"user":{"can_reauthenticate":true,"created_at":"2026-11-30T21:03:35.005Z","custom_attributes":{},"groups":[],"id":"01a22e45-2c5d-71bc-afd9-dd5059624b8a","is_anonymized":false,"is_anonymous":false,"is_deactivated":false,"is_disabled":false,"is_verified":false,"roles":[],"standard_attributes":{"preferred_username":"kim"},"updated_at":"2026-11-30T21:03:35.023Z","x_web3":{}}},"seq":3,"type":"user.anonymous.promoted"}', 1796072615023575);
INSERT INTO public.events VALUES (1, 4, '\x01a22e452c5d71bcafd9dd5059624b8a', 'session.revoked', 'rotating', '{"context":{"app_id":"crash","audit_context":{},"client_id":"rotating","geo_location_code":null,"language":"en","preferred_languages":[],"timestamp":1796072615,"triggered_by":"system","user_id":"01a22e45-2c5d-71bc-afd9-dd5059624b8a"},"id":"01a22e45-2c99-7e90-90f5-20ff4d48039b","payload":{"reason":"promotion","session":{"client_id":"rotating","created_at":"2026-11-30T21:03:35.005Z","id":"01a22e45-2c5d-77e1-9c75-b4c0b6d85d0f","last_accessed_at":"2026-11-30T21:03:35.005Z","type":"offline_grant"},"user":{"id":"01a22e45-2c5d-71bc-afd9-dd5059624b8a"}},"seq":4,"type":"session.revoked"}', 1796072615065788);


--
-- Data for Name: external_accounts; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: flows; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.flows VALUES (1, '\x01a22e452c697197b07f9730be9e6cc3', '{"purpose":{"kind":"promote","guest":"01a22e45-2c5d-71bc-afd9-dd5059624b8a"},"request":{"client_id":"rotating","redirect_uri":"http://app.test/","response_type":"code","response_mode":"query","state":"s 1","scope":"openid offline_access https://authgear.com/scopes/full-access","nonce":null,"code_challenge":"D_yYHVgVhrtQQ3FhbeR9ydUcsIbZQ9K0tyYLrtCbLrg","dpop_jkt":null,"suppress_session":true,"ui_locales":null,"color_scheme":null,"x_state":null},"browser":"832207bd9727dba87fb698a14a2fb554dc50953e2ce6e2a80f96c0ddd5169168","prefill":null,"masks_prefill":false,"enforced":null,"offered_user":null,"guest":null,"source":{"by":"signed_in","session":{"kind":"grant","id":"01a22e45-2c5d-77e1-9c75-b4c0b6d85d0f"}},"from_elsewhere":true,"claim":[134,150,40,49,227,121,89,208,51,42,102,131,193,120,154,215],"only_user":null,"max_age":null,"own_providers":null,"pending":{"login_id":{"kind":"username","value":"kim","original":"kim"},"password_hash":null,"code":null,"proved_at":null,"taken":false},"attempt":null,"external":null,"kept":null,"linking":null,"passkey_skipped":false,"asks_consent":false,"awaits_consent":null,"awaits_merge":null,"finished":true,"promoted":true,"begun_session":null}', 1, 1796072615023575, 1796074115017753);


--
-- Data for Name: foreign_subjects; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: grants; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.grants VALUES (1, '\x01a22e452c577ec5a1e19215c27dabba', '\x01a22e452c57711a842af71b00cba7da', 'rotating', '\x95bb58a237e2236c40d0f0f2f9ad58f92899eb924da31d8509b2326e773c96cb', NULL, 1796072614999119, 1796072614999119, 1796072614999119, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL);
INSERT INTO public.grants VALUES (1, '\x01a22e452c997486b5a72efda85ab76a', '\x01a22e452c5d71bcafd9dd5059624b8a', 'rotating', '\x8cfab177325e4734b19381f02955e220ced5314db84416c00ae8e69a90089ac8', 'openid offline_access https://authgear.com/scopes/full-access', 1796072615065788, 1796072615065788, 1796072615023575, 'pwd', NULL, NULL, NULL, NULL, NULL, 0, NULL);


--
-- Data for Name: hook_deliveries; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: idempotency; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: job_state; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.job_state VALUES ('events', NULL, 1796072615073437);


--
-- Data for Name: limit_counts; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: login_ids; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.login_ids VALUES (1, 'username', 'kim', '\x01a22e452c6f7a59bbcc2a168fa3f03a', '\x01a22e452c5d71bcafd9dd5059624b8a', 'kim', NULL, 1796072615023575, 1796072615023575);


--
-- Data for Name: login_method_changes; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: merges; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: migrations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.migrations VALUES (1, '0001_foundation');
INSERT INTO public.migrations VALUES (3, '0003_credentials');
INSERT INTO public.migrations VALUES (4, '0004_events');
INSERT INTO public.migrations VALUES (6, '0006_seen');
INSERT INTO public.migrations VALUES (7, '0007_operators');
INSERT INTO public.migrations VALUES (8, '0008_dense_indexes');
INSERT INTO public.migrations VALUES (9, '0009_planner');
INSERT INTO public.migrations VALUES (10, '0010_operator_passkeys');
INSERT INTO public.migrations VALUES (11, '0011_operator_events');
INSERT INTO public.migrations VALUES (12, '0012_repeats');
INSERT INTO public.migrations VALUES (13, '0013_authority');
INSERT INTO public.migrations VALUES (14, '0014_shares');
INSERT INTO public.migrations VALUES (15, '0015_passkey_backup');
INSERT INTO public.migrations VALUES (16, '0016_operator_event_times');
INSERT INTO public.migrations VALUES (17, '0017_guests_signed_in');
INSERT INTO public.migrations VALUES (18, '0018_promotion');
INSERT INTO public.migrations VALUES (20, '0020_operator_proofs');
INSERT INTO public.migrations VALUES (22, '0022_consents');
INSERT INTO public.migrations VALUES (25, '0025_ended_access');
INSERT INTO public.migrations VALUES (26, '0026_known_browsers');
INSERT INTO public.migrations VALUES (27, '0027_login_method_changes');
INSERT INTO public.migrations VALUES (28, '0028_full_endings');
INSERT INTO public.migrations VALUES (29, '0029_claims');
INSERT INTO public.migrations VALUES (31, '0031_due_order');
INSERT INTO public.migrations VALUES (32, '0032_limit_counts');
INSERT INTO public.migrations VALUES (35, '0035_device_codes');
INSERT INTO public.migrations VALUES (37, '0037_external_accounts');
INSERT INTO public.migrations VALUES (40, '0040_subjects');
INSERT INTO public.migrations VALUES (42, '0042_retention');
INSERT INTO public.migrations VALUES (46, '0046_merges');
INSERT INTO public.migrations VALUES (51, '0051_delivery_tries');
INSERT INTO public.migrations VALUES (56, '0056_life_of_a_guest');
INSERT INTO public.migrations VALUES (57, '0057_user_names');


--
-- Data for Name: operator_events; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: operator_links; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: operator_passkeys; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: operator_roles; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: operator_sessions; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: operators; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: outbox; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: passkeys; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: passwords; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.passwords VALUES (1, '\x01a22e452c5d71bcafd9dd5059624b8a', '$argon2id$v=19$m=19456,t=2,p=1$mv9DqgQW1fID+ZgSfmJoUA$okyOzp9TBSOYNsFozavgljIPxdiqheoJ9Lt+JIWZoks', 1796072615023575, 1796072615023575);


--
-- Data for Name: project_keys; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.project_keys VALUES (1, 'mac-5f2c715306e0', 'mac', '\x955dd2e84eee60cef56aa560973dd2dd50ef477accaeed7645489dd03274c8ef6a0ae9ce702a7c0147bf9349133d231a106f01386930a4c1e5d62a0e', 1796072614908883, NULL);
INSERT INTO public.project_keys VALUES (1, 'webhook-23c2ba340c65', 'webhook', '\xef99ce39d90c20ce499d81339a8a298e784168e470099116ca58f07ba9c94b3b9a0c77b011bae719c542bd4c16181dbb655d749bf9d0b6d3feb1f992ae97518d6705b85ed5a68ff018ad94d61715b5f2e8c6fe2f367f153740014925', 1796072614908883, NULL);
INSERT INTO public.project_keys VALUES (1, 'rs256-9eabdf48d508', 'RS256', '\xef7223f740790e6fb4067fe67c14da5e46dd3be2fe4eddca154e35c44937de81e3b821d594aa45244cef34b3d89a9c022397c3916f862804abc900c8295c22fbb6f2529345520dc6f4a534d83501bfc2747bc203103a2734956cc8b70104e2fd99ae34c18c7d1e90c4d8e8fe69271a67898bedc9e1b2d6d1f4ba173c9cf2194a8009c94fe09f35ff96bb0584c3ed2a5839c1cb3a7d9d9376b26ad1988912b33a39ace9071dbfa1134f5b31e3c4ae63be21e1a7f6a5a9df99fa2dc49464a3f718dcec6d16b5a41115f78b289b274d9697ffeffeb6ac5d55bec01ec95be33920c4289872682b3bcadc82095c8619c7804b8391edb5bb921dceb60cd91ddc120b7d10ff6fe356e902492fba5f66db66385c86df5387a28a7c479398ddeda5e95fc1a99eaff27ba8a8a150240577f14142907f1dc6513d238d137bcd0497dcda6e094a104caf1e1f41a7e2cd1db9386bf5a562f52e69e4dbccbf502c358a40b3dc6a7ee2ae53ffd63bd878633bae6a883585d991d649c52de0322ad0416937e34b2a490fbb5be67123f761e8e0c37142efc1a28f27ae5cd67c4ee31b4d7819ac4d4dddc372958a3da533063c7f8248f9ec66bf8df03d6554c05e4f9c1c22be3901f8d51b93cfed02fb2d3e52af76c04fd5481a007d2309acaec07d33a1050e1a7648236dd1272a7b665b5bede82d387c9c364b637b15c58eb96a5aa1aac0ccc925bdb44efb5b8e07d69c9e75ed99359aa74a62ebe6e60b3f9cde0fa23dbcc41dbff539750e2c317828c56712175256d2e254f6a8957e0cc5f5a9e2909b8397d5f15fe6046282c2db38af1ea2efc4dad73c8720caf0242a51f232a815e5ea49c400a460a11ee8492b0d4174335fb4ab5034778498a1f7851bc1fc1088cf4c13dd57ac34de2418e9cee6d063e6e36051f341e33cf3c004d3bb5398985ef9f4bece80da7858422dd4a66ff4b2d1f8b69495e469d24aa046da0b2e03ccc03b5ce7f4fad9b335cafea40177cbafc76f9af85eb839da50e59bc5659c9835d5b5e34800fc782e64b318bb27b8e21385708c1770ca3721aa96212d72d11c5751d05c9e05ddd61618c61021d7202b2e35c3442d6060b57987dbf70ec3e0596d3aad108421504d3d0d07bb204f19a1bedd8de3da7c5d1573a75a36a440bb27966f364ba0912683a16efe9017d427509e3378d55debeabdc4afb918475b606e375415b617f59733a497110239a2b5a2ee953b34d6c030badbe8cb3113acd1fc190c8769785420720050564fb3c955bdb8e68d7a9acaa49da014f9ce0d0122502f99920f6361182d19b89b8eaba6c5babac628ff68ccb684b8fea26f0817e37ed6afbf8fe4b6bd4e4412d34d288b67bf1208d697140f41cc25ade9950693169304fd53e952ce65b2452f7ee8f662c3dd91e5f0e532ff8e629b303c7165d83958a17d02f8531d63161795310573126c6874dc6f252599eb6e8c23eae0c999c3ccf67eaf5ca58e1dd76d5c7aa0f6eada1f255042ec8d4f96d09851d51c34ab949cce420aed9562f1ec7bf9712a0b4c6ed40c7f73e5bb8dbaa26478b6637aa54519d38341ca852ea07c7d981fef21c426f3805266218513cc882f92f0fbb263c5c772c0b0778445e2e932f61574640625413cd63845ca9eeaceb64d29e508461b563418e1f8e2a7a7d90bfeab3d82453f2daa57c803ec4862ebd22c161496b357b9ff1ddc4bb366bcc605650bf7eb25ec993ee76824b5d3445543296406dbeefd931ca7781923', 1796072614908883, NULL);
INSERT INTO public.project_keys VALUES (1, 'es256-f5f7e546e7b0', 'ES256', '\x7824dd89ff7666137874b3933a36f00840f0c0a81a4ccb90e2935d809471d91fd4c8925388f63739362dd96897036214031f523abb74f4fa87c91647f4a1c1c890dd0cbc2c45f2e2c5981081f2f9a1923f33cf5201858928b7bfc08085ab5e81264cfd65388b2743e719bd4061880bb8426f93a3d78dea9e155166644ddd08fca0418cf8ec9d10e0e8bc411cee4c5bac61ab60c2109bb660a191550c7e12e02c845498c854d7', 1796072614908883, NULL);


--
-- Data for Name: projects; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.projects VALUES (1, 'crash', 'http://vestibule.test', '{"project":{"id":"crash","public_origin":"http://vestibule.test"},"authentication":{"identities":["login_id","anonymous"],"primary_authenticators":["password"],"rate_limits":{"signup_anonymous":{"per_ip":{"enabled":false}},"signup":{"per_ip":{"enabled":false}},"account_enumeration":{"per_ip":{"enabled":false}},"password":{"per_ip":{"enabled":false}}}},"identity":{"login_id":{"keys":[{"type":"username"}]}},"oauth":{"clients":[{"client_id":"rotating","x_application_type":"spa","redirect_uris":["http://app.test/"],"refresh_token_rotation_enabled":true,"refresh_token_rotation_grace_seconds":0,"id_token_signed_response_alg":"ES256"}]}}', 1, 1796072614908883, 1796072614908883, 'vestibule.test');


--
-- Data for Name: provider_secrets; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: repeats; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: retention_holds; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: retention_marks; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: sessions; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: spent; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.spent VALUES (1, '\x86962831e37959d0332a6683c1789ad7', '\x01a22e452c697197b07f9730be9e6cc3', 1796074115017753);
INSERT INTO public.spent VALUES (1, '\x4400f7784b5ade2bf8b457da7f17912f', '\x01a22e452c997486b5a72efda85ab76a00066184be3638bc83ac27e6eb024901fb355ec164afa283', 1796159015065788);


--
-- Data for Name: subjects; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: tries; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: user_names; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: users; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.users VALUES (1, '\x01a22e452c57711a842af71b00cba7da', 1796072614999119, 1796072614999119, NULL, 1796072614999119, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.users VALUES (1, '\x01a22e452c5a738aa8447c56aeb6d250', 1796072615002615, 1796072615002615, NULL, 1796072615002615, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1796072615006292, 'rotating');
INSERT INTO public.users VALUES (1, '\x01a22e452c5d71bcafd9dd5059624b8a', 1796072615005045, 1796072615023575, NULL, NULL, 1796072615023575, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);


--
-- Name: hook_deliveries_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.hook_deliveries_id_seq', 1, false);


--
-- Name: outbox_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.outbox_id_seq', 4, true);


--
-- Name: projects_no_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.projects_no_seq', 1, true);


--
-- Name: admin_keys admin_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.admin_keys
    ADD CONSTRAINT admin_keys_pkey PRIMARY KEY (project_no, id);


--
-- Name: authorization_codes authorization_codes_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.authorization_codes
    ADD CONSTRAINT authorization_codes_pkey PRIMARY KEY (project_no, code_hash);


--
-- Name: client_secrets client_secrets_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.client_secrets
    ADD CONSTRAINT client_secrets_pkey PRIMARY KEY (project_no, client_id, secret_hash);


--
-- Name: client_starts client_starts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.client_starts
    ADD CONSTRAINT client_starts_pkey PRIMARY KEY (project_no, client_id);


--
-- Name: consents consents_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.consents
    ADD CONSTRAINT consents_pkey PRIMARY KEY (project_no, user_id, client_id);


--
-- Name: daily_counts daily_counts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.daily_counts
    ADD CONSTRAINT daily_counts_pkey PRIMARY KEY (project_no, day, client_id, name);


--
-- Name: device_codes device_codes_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.device_codes
    ADD CONSTRAINT device_codes_pkey PRIMARY KEY (project_no, code_hash);


--
-- Name: device_keys device_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.device_keys
    ADD CONSTRAINT device_keys_pkey PRIMARY KEY (project_no, kid);


--
-- Name: events events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (project_no, seq);


--
-- Name: external_accounts external_accounts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.external_accounts
    ADD CONSTRAINT external_accounts_pkey PRIMARY KEY (project_no, provider, subject);


--
-- Name: flows flows_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.flows
    ADD CONSTRAINT flows_pkey PRIMARY KEY (project_no, id);


--
-- Name: foreign_subjects foreign_subjects_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.foreign_subjects
    ADD CONSTRAINT foreign_subjects_pkey PRIMARY KEY (project_no, id);


--
-- Name: grants grants_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.grants
    ADD CONSTRAINT grants_pkey PRIMARY KEY (project_no, id) WITH (fillfactor='100');


--
-- Name: hook_deliveries hook_deliveries_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.hook_deliveries
    ADD CONSTRAINT hook_deliveries_pkey PRIMARY KEY (id);


--
-- Name: idempotency idempotency_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (project_no, key_hash);


--
-- Name: job_state job_state_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job_state
    ADD CONSTRAINT job_state_pkey PRIMARY KEY (name);


--
-- Name: limit_counts limit_counts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.limit_counts
    ADD CONSTRAINT limit_counts_pkey PRIMARY KEY (node);


--
-- Name: login_ids login_ids_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.login_ids
    ADD CONSTRAINT login_ids_pkey PRIMARY KEY (project_no, kind, value);


--
-- Name: login_method_changes login_method_changes_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.login_method_changes
    ADD CONSTRAINT login_method_changes_pkey PRIMARY KEY (project_no, user_id, no);


--
-- Name: merges merges_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.merges
    ADD CONSTRAINT merges_pkey PRIMARY KEY (project_no, id);


--
-- Name: migrations migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (version);


--
-- Name: operator_events operator_events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.operator_events
    ADD CONSTRAINT operator_events_pkey PRIMARY KEY (id);


--
-- Name: operator_links operator_links_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.operator_links
    ADD CONSTRAINT operator_links_pkey PRIMARY KEY (token_hash);


--
-- Name: operator_passkeys operator_passkeys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.operator_passkeys
    ADD CONSTRAINT operator_passkeys_pkey PRIMARY KEY (credential_id);


--
-- Name: operator_roles operator_roles_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.operator_roles
    ADD CONSTRAINT operator_roles_pkey PRIMARY KEY (project_no, operator_id);


--
-- Name: operator_sessions operator_sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.operator_sessions
    ADD CONSTRAINT operator_sessions_pkey PRIMARY KEY (token_hash);


--
-- Name: operators operators_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.operators
    ADD CONSTRAINT operators_pkey PRIMARY KEY (id);


--
-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);


--
-- Name: passkeys passkeys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.passkeys
    ADD CONSTRAINT passkeys_pkey PRIMARY KEY (project_no, credential_id);


--
-- Name: passwords passwords_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.passwords
    ADD CONSTRAINT passwords_pkey PRIMARY KEY (project_no, user_id);


--
-- Name: project_keys project_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.project_keys
    ADD CONSTRAINT project_keys_pkey PRIMARY KEY (project_no, kid);


--
-- Name: projects projects_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_id_key UNIQUE (id);


--
-- Name: projects projects_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_pkey PRIMARY KEY (no);


--
-- Name: projects projects_public_origin_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_public_origin_key UNIQUE (public_origin);


--
-- Name: provider_secrets provider_secrets_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_secrets
    ADD CONSTRAINT provider_secrets_pkey PRIMARY KEY (project_no, alias);


--
-- Name: repeats repeats_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.repeats
    ADD CONSTRAINT repeats_pkey PRIMARY KEY (project_no, id);


--
-- Name: retention_holds retention_holds_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.retention_holds
    ADD CONSTRAINT retention_holds_pkey PRIMARY KEY (project_no, user_id, id);


--
-- Name: retention_marks retention_marks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.retention_marks
    ADD CONSTRAINT retention_marks_pkey PRIMARY KEY (project_no, user_id);


--
-- Name: sessions sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (project_no, id) WITH (fillfactor='100');


--
-- Name: spent spent_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.spent
    ADD CONSTRAINT spent_pkey PRIMARY KEY (project_no, id);


--
-- Name: subjects subjects_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.subjects
    ADD CONSTRAINT subjects_pkey PRIMARY KEY (project_no, id);


--
-- Name: tries tries_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tries
    ADD CONSTRAINT tries_pkey PRIMARY KEY (project_no, id);


--
-- Name: user_names user_names_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_names
    ADD CONSTRAINT user_names_pkey PRIMARY KEY (project_no, phrase, user_id);


--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (project_no, id) WITH (fillfactor='100');


--
-- Name: authorization_codes_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX authorization_codes_by_expiry ON public.authorization_codes USING btree (expires_at);


--
-- Name: consents_by_client; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX consents_by_client ON public.consents USING btree (project_no, client_id);


--
-- Name: device_codes_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX device_codes_by_expiry ON public.device_codes USING btree (expires_at);


--
-- Name: device_codes_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX device_codes_by_user ON public.device_codes USING btree (project_no, user_id);


--
-- Name: device_codes_by_user_code; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX device_codes_by_user_code ON public.device_codes USING btree (project_no, user_code);


--
-- Name: device_keys_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX device_keys_by_user ON public.device_keys USING btree (project_no, user_id);


--
-- Name: events_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_by_time ON public.events USING btree (created_at);


--
-- Name: events_by_type; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_by_type ON public.events USING btree (project_no, type, seq);


--
-- Name: events_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_by_user ON public.events USING btree (project_no, user_id, seq);


--
-- Name: external_accounts_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX external_accounts_by_user ON public.external_accounts USING btree (project_no, user_id);


--
-- Name: flows_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX flows_by_expiry ON public.flows USING btree (expires_at);


--
-- Name: foreign_subjects_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX foreign_subjects_by_user ON public.foreign_subjects USING btree (project_no, user_id) WHERE (user_id IS NOT NULL);


--
-- Name: grants_by_session; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX grants_by_session ON public.grants USING btree (project_no, session_id) WHERE (session_id IS NOT NULL);


--
-- Name: grants_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX grants_by_user ON public.grants USING btree (project_no, user_id) WITH (fillfactor='100');


--
-- Name: hook_deliveries_by_claim; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hook_deliveries_by_claim ON public.hook_deliveries USING btree (claimed_by) WHERE ((claimed_by IS NOT NULL) AND (state = 0));


--
-- Name: hook_deliveries_by_dead_lane; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hook_deliveries_by_dead_lane ON public.hook_deliveries USING btree (project_no, lane, finished_at) WHERE (state = 2);


--
-- Name: hook_deliveries_by_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hook_deliveries_by_due ON public.hook_deliveries USING btree (due_at) WHERE (state = 0);


--
-- Name: hook_deliveries_by_end; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hook_deliveries_by_end ON public.hook_deliveries USING btree (finished_at) WHERE (state = 1);


--
-- Name: hook_deliveries_by_lane; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hook_deliveries_by_lane ON public.hook_deliveries USING btree (project_no, url, lane, id) WHERE (state = 0);


--
-- Name: hook_deliveries_by_receiver; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hook_deliveries_by_receiver ON public.hook_deliveries USING btree (project_no, url, due_at) WHERE (state = 0);


--
-- Name: hook_deliveries_by_state; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hook_deliveries_by_state ON public.hook_deliveries USING btree (project_no, state, id);


--
-- Name: idempotency_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idempotency_by_expiry ON public.idempotency USING btree (expires_at);


--
-- Name: login_ids_by_domain; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX login_ids_by_domain ON public.login_ids USING btree (project_no, split_part(value, '@'::text, 2) text_pattern_ops, user_id) WHERE (kind = 'email'::text);


--
-- Name: login_ids_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX login_ids_by_user ON public.login_ids USING btree (project_no, user_id);


--
-- Name: login_ids_prefix; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX login_ids_prefix ON public.login_ids USING btree (project_no, kind, value text_pattern_ops);


--
-- Name: login_method_changes_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX login_method_changes_by_expiry ON public.login_method_changes USING btree (expires_at);


--
-- Name: merges_by_answer; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX merges_by_answer ON public.merges USING btree (answer_by) WHERE ((state = 0) AND (answer_by IS NOT NULL));


--
-- Name: merges_by_change; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX merges_by_change ON public.merges USING btree (changed_at) WHERE ((state > 0) AND (kept IS NULL));


--
-- Name: merges_by_guest; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX merges_by_guest ON public.merges USING btree (project_no, guest_id, id);


--
-- Name: merges_by_member; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX merges_by_member ON public.merges USING btree (project_no, member_id, id);


--
-- Name: merges_by_state; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX merges_by_state ON public.merges USING btree (project_no, state, id);


--
-- Name: merges_by_undo; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX merges_by_undo ON public.merges USING btree (undo_until) WHERE (kept IS NOT NULL);


--
-- Name: operator_events_by_operator; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX operator_events_by_operator ON public.operator_events USING btree (operator_id, id);


--
-- Name: operator_links_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX operator_links_by_expiry ON public.operator_links USING btree (expires_at);


--
-- Name: operator_links_by_project; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX operator_links_by_project ON public.operator_links USING btree (project_no, purpose, email);


--
-- Name: operator_passkeys_by_operator; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX operator_passkeys_by_operator ON public.operator_passkeys USING btree (operator_id, id);


--
-- Name: operator_roles_by_operator; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX operator_roles_by_operator ON public.operator_roles USING btree (operator_id);


--
-- Name: operator_sessions_by_access; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX operator_sessions_by_access ON public.operator_sessions USING btree (last_access_at);


--
-- Name: operator_sessions_by_operator; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX operator_sessions_by_operator ON public.operator_sessions USING btree (operator_id);


--
-- Name: operators_by_email; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX operators_by_email ON public.operators USING btree (email);


--
-- Name: outbox_by_claim; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outbox_by_claim ON public.outbox USING btree (claimed_by) WHERE (claimed_by IS NOT NULL);


--
-- Name: outbox_by_kept_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outbox_by_kept_user ON public.outbox USING btree (project_no, user_id) WHERE (kind = 'event.unreadable'::text);


--
-- Name: outbox_by_project; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outbox_by_project ON public.outbox USING btree (kind, project_no, due_at, id);


--
-- Name: passkeys_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX passkeys_by_user ON public.passkeys USING btree (project_no, user_id);


--
-- Name: projects_by_authority; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX projects_by_authority ON public.projects USING btree (authority);


--
-- Name: repeats_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX repeats_by_time ON public.repeats USING btree (tell_at);


--
-- Name: retention_holds_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX retention_holds_by_expiry ON public.retention_holds USING btree (expires_at);


--
-- Name: sessions_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sessions_by_user ON public.sessions USING btree (project_no, user_id) WITH (fillfactor='100');


--
-- Name: spent_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX spent_by_expiry ON public.spent USING btree (expires_at);


--
-- Name: subjects_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX subjects_by_time ON public.subjects USING btree (project_no, user_id, since, id) WHERE (user_id IS NOT NULL);


--
-- Name: subjects_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX subjects_by_user ON public.subjects USING btree (project_no, user_id) WHERE (user_id IS NOT NULL);


--
-- Name: tries_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tries_by_time ON public.tries USING btree (full_until);


--
-- Name: user_names_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX user_names_by_user ON public.user_names USING btree (project_no, user_id);


--
-- Name: users_by_disabling; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX users_by_disabling ON public.users USING btree (project_no, id) WHERE (disabled_at IS NOT NULL);


--
-- Name: users_by_member; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX users_by_member ON public.users USING btree (project_no, id) WHERE (anonymous_since IS NULL);


--
-- Name: users_by_promotion; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX users_by_promotion ON public.users USING btree (project_no, promoted_at, id) WHERE (promoted_at IS NOT NULL);


--
-- PostgreSQL database dump complete
--


