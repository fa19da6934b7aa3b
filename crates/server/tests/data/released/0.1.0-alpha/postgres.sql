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
    has_revoked_tokens bigint DEFAULT 0 NOT NULL
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
    last_error text
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
-- Name: migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.migrations (
    version bigint NOT NULL,
    name text NOT NULL
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
    last_error text
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
    last_used_at bigint
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
    updated_at bigint NOT NULL
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
-- Name: tries; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tries (
    project_no bigint NOT NULL,
    id bytea NOT NULL,
    full_until bigint NOT NULL
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
    custom_attributes text
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
-- Data for Name: daily_counts; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: device_keys; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.events VALUES (1, 1, '\x01a2043872af7792ae9ba931b4c63a1d', 'user.signed_out', 'rotating', '{"context":{"app_id":"crash","audit_context":{},"client_id":"rotating","geo_location_code":null,"language":"en","preferred_languages":[],"timestamp":1795367137,"triggered_by":"user","user_id":"01a20438-72af-7792-ae9b-a931b4c63a1d"},"id":"01a20438-72b7-732e-8199-1a8120cbc923","payload":{"session":{"client_id":"rotating","created_at":"2026-11-22T17:05:37.967Z","id":"01a20438-72af-7b7e-8c02-f8c946f0dffc","last_accessed_at":"2026-11-22T17:05:37.967Z","type":"offline_grant"},"user":{"can_reauthenticate":false,"created_at":"2026-11-22T17:05:37.967Z","custom_attributes":{},"groups":[],"id":"01a20438-72af-7792-ae9b-a931b4c63a1d","is_anonymized":false,"is_anonymous":true,"is_deactivated":false,"is_disabled":false,"is_verified":false,"roles":[],"standard_attributes":{},"updated_at":"2026-11-22T17:05:37.967Z","x_web3":{}}},"seq":1,"type":"user.signed_out"}', 1795367137975313);


--
-- Data for Name: flows; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.flows VALUES (1, '\x01a2043872e07585aa776dd810911149', '{"purpose":{"kind":"promote","guest":"01a20438-72b3-791f-8d7f-09709c17a8eb"},"request":{"client_id":"rotating","redirect_uri":"http://app.test/","response_type":"code","response_mode":"query","state":"s 1","scope":"openid offline_access https://authgear.com/scopes/full-access","nonce":null,"code_challenge":"D_yYHVgVhrtQQ3FhbeR9ydUcsIbZQ9K0tyYLrtCbLrg","dpop_jkt":null,"suppress_session":true,"ui_locales":null,"color_scheme":null,"x_state":null},"browser":"d50de66a4502c6b6044abea732582f4c057b54b2be4c4c5b5c7b5deb976b1fc8","prefill":null,"offered_user":null,"guest":null,"only_user":null,"pending":{"login_id":{"kind":"username","value":"kim","original":"kim"},"password_hash":null,"code":null,"proved_at":null,"taken":false},"attempt":null,"finished":true}', 3, 1795367138016448, 1795368638016448);


--
-- Data for Name: grants; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.grants VALUES (1, '\x01a2043872a67650878bd1e2659f4e73', '\x01a2043872a676569074aba4b883027a', 'rotating', '\x730e67464a2767922e811904175feef1b1fdaf387e110a415cbab2d596dd5416', NULL, 1795367137958881, 1795367137958881, 1795367137958881, NULL, NULL, NULL, NULL, NULL, NULL, 0);
INSERT INTO public.grants VALUES (1, '\x01a2043873b873888a6919cdd0c446b1', '\x01a2043872b3791f8d7f09709c17a8eb', 'rotating', '\xfdea5e45b512f0bb3c775e87744eb575fd515d627d79c830c53577317ddd052b', 'openid offline_access https://authgear.com/scopes/full-access', 1795367138232252, 1795367138232252, 1795367138043649, 'pwd', NULL, NULL, NULL, NULL, NULL, 0);


--
-- Data for Name: hook_deliveries; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: idempotency; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: job_state; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.job_state VALUES ('events', NULL, 1795367137980737);


--
-- Data for Name: login_ids; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.login_ids VALUES (1, 'username', 'kim', '\x01a2043872fb71d986da8be5b84a79cc', '\x01a2043872b3791f8d7f09709c17a8eb', 'kim', NULL, 1795367138043649, 1795367138043649);


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.migrations VALUES (1, '0001_foundation');
INSERT INTO public.migrations VALUES (3, '0003_credentials');
INSERT INTO public.migrations VALUES (4, '0004_events');


--
-- Data for Name: outbox; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (2, 1, 'event', '\x01a2043872b3791f8d7f09709c17a8eb', '{"id":"01a20438-72fb-7bb4-bd6d-a48e1c2a2f5e","body":{"context":{"app_id":"crash","audit_context":{},"client_id":"rotating","geo_location_code":null,"language":"en","oauth":{"state":"s 1"},"preferred_languages":[],"timestamp":1795367138,"triggered_by":"user","user_id":"01a20438-72b3-791f-8d7f-09709c17a8eb"},"id":"01a20438-72fb-7bb4-bd6d-a48e1c2a2f5e","payload":{"anonymous_user":{"can_reauthenticate":false,"created_at":"2026-11-22T17:05:37.971Z","custom_attributes":{},"groups":[],"id":"01a20438-72b3-791f-8d7f-09709c17a8eb","is_anonymized":false,"is_anonymous":true,"is_deactivated":false,"is_disabled":false,"is_verified":false,"roles":[],"standard_attributes":{},"updated_at":"2026-11-22T17:05:37.971Z","x_web3":{}},"identities":[{"claims":{"https://authgear.com/claims/login_id/key":"username","https://authgear.com/claims/login_id/original":"kim","https://authgear.com/claims/login_id/type":"username","https://authgear.com/claims/login_id/value":"kim","preferred_username":"kim"},"created_at":"2026-11-22T17:05:38.043Z","id":"01a20438-72fb-71d9-86da-8be5b84a79cc","type":"login_id","updated_at":"2026-11-22T17:05:38.043Z","user_id":"01a20438-72b3-791f-8d7f-09709c17a8eb"}],"user":{"can_reauthenticate":true,"created_at":"2026-11-22T17:05:37.971Z","custom_attributes":{},"groups":[],"id":"01a20438-72b3-791f-8d7f-09709c17a8eb","is_anonymized":false,"is_anonymous":false,"is_deactivated":false,"is_disabled":false,"is_verified":false,"roles":[],"standard_attributes":{"preferred_username":"kim"},"updated_at":"2026-11-22T17:05:38.043Z","x_web3":{}}},"seq":0,"type":"user.anonymous.promoted"},"is_logged":true,"is_for_hooks":true}', 1795367138043649, 1795367138043649, 0, NULL);


--
-- Data for Name: passkeys; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: passwords; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.passwords VALUES (1, '\x01a2043872b3791f8d7f09709c17a8eb', '$argon2id$v=19$m=19456,t=2,p=1$HPsMFp/rEqUlmffuVlwYew$p4i+Q2OnG6dY6lBfKOeEFtQw0+jkrIr3qlqz6E54b2w', 1795367138043649, 1795367138043649);


--
-- Data for Name: project_keys; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.project_keys VALUES (1, 'mac-4e3c6b0e9261', 'mac', '\x5ad2cf1f12641359e4d19715abf8b34bf3eca1334d467951ba5149a3dc782c5d442b27955faded0b835394348310d15645a9c8062f6077ef3115937b', 1795367137237253, NULL);
INSERT INTO public.project_keys VALUES (1, 'webhook-0782893bda8e', 'webhook', '\xdbecc22e54b6a40b86813f2c776274f56abd08dfeea60a5ac51c4ae65aa4848e3045cd0fcfc14713af4dfc1013a53c81b8f9be5074c5de302619549147b9d76cfeb72c8fedd07053f7156504df5ca68874bec628bb9df3b4ab4b9bb4', 1795367137237253, NULL);
INSERT INTO public.project_keys VALUES (1, 'rs256-55f9cad83608', 'RS256', '\x2283046190bb1a7f2f3656cd8ede52e92fdfd5a66cdc8bae371b3dd53a1a0ca5d7a558d4d033baac71f535383c3ae117772c4b101c62cb803ac97b86c495ed66371dea2028128d85b25cd476a5db28d8777035577b410bff8767bf8adab061b2cfcac57dc8fc78fe5e83048aa8466985f96f6026ad7e556290057ea6ec738330eb6761cbd42594b486ce969b4e27ae273db224c6601a505cad9938cdcd2dc04d55121c8e00eb715565cbf5a1882ad1dc19c5269c70843f03e84a7dce66e9894c7eb7fce7a102342651e2a764676400c637c1bba74bf746bc14ddc1e0f2e37d38081cc4e62fb65bc7f1e10ed6cc1350e38bfb05a62d89dacddfdec7942ee8b82e54d2ce5e454f7eba76c742fdf5130467e2ef79cf79e102b90eee352869ce22a239ff610e927cf89ff559868082653ad70fcd4288af847b34fb883df6936a9fdd979e1c599753baa9709be90143d895d4a6511371863c47817d07a3c12585d066e62aadc48baea96b2642981b1bed3e7f34b2701ffb63f056a45f1159060700fa41eb3843edac580a1914e0c0b72edbc33303e7e384283106b5bc2825be29843cca033f60cc483f78485ab35db2a6146bade363a61230e84a9ab7e6816e8ba37d32cb75249f550fdf3955412ca283386acd52965075d5304a83bf7981d43573aa37534143c0a13fecc2f6a6383b54454de8629aaf316d5092a6d1a3e6fc5fd5b597b24d065a5c39d5d2234518362a0f5ae50a38b6d41e84f6c031cc284fe31d2b6138c7fd2b703299d3c087ae11ed5f911f423725ae3a0e9736700232c8029fb842b1144222d65d32c175f91f7679786b0c71ebd3bdb623dc4676063e5bdfea05cdd85235b99d57b2a6482f73a98510dfe999b813dc0c3303c56cbe121b7da71c65511eb764d6824f8b120c6940a3a8bc397ceb4fdc1fc0272d377a60c0f9878ba519315b05428db617c42f81de1a69dfa348c08bb5d4cb240c05966b5b494e3163bd6dcffd4479e13b00dd0b66860447d6b4c17ac444952740553eb1746a04f96e250c0c5cb1bbd0b57159582ea290dc9d1d4ac272e4fdfc639c22f693a69b567d3de10ec62abcc3750febd27d211b00c82ee5664516ed2436791bd2b22e4840cd6d0083a0690bc49899c85f5c5e9df5ddc46cef4d7610152f8acec09f39a27c08777083e7aa75138ed8a8ab2a189fc5e18722ad2152385f7ea192d3c2df3175efe13a17c9914a6b17a3b71ff9e6db1ed164cbcf4e2a167f68b1eba9e822f66d25bb612567483657e46240f5ad0cb5ac1d3f4009d7035c2573ca406945fcf8941f42a7bd1aff8216d4b97228001dd523a2236c88992e58924d8ef74454d756664d4ad82e2e65b6463f74d13b8d1aa8f62f79e392e77ba7f84e3f7cf7485187c0ba86d06d3564c59be4b5be1ea57cf6196daefab1a51bdd41a0d46a49a60444a1e49abd37177dfd8ecba43533073cc977e94536dfe250f810151e68146170410a83a033a28d4a431b7fd5d1d579fa0953949053c1eba1767657fa5c649ddd9ad9f63200652f3f4222d9cdd795c16a29f06df1ecef2df123c1d2bd8eaa6ba4622dc679eb5dec985456b84c93a37eb52578ffbe07de0ae909b04d6e23982a38e7906f49aed8558ab92ad52e947af8c81767aaae114ca3b64f128f96dfcf3d2e21dc50a87184578d4ea4a7b87d58f2dbb6757b20565eeb47ed56a8d898819ea191012d115b2f47f20493e47daebd682e6dd73849d5a61027c6016058a8a7ee', 1795367137237253, NULL);
INSERT INTO public.project_keys VALUES (1, 'es256-3be33a02494d', 'ES256', '\xadfa923ef32da454564fbeb2197c7aa4b1d2d5c660078f40a73b9291e2f54ccbca4af2415a3b0c8008cc4627d42876e1e173c0c5b9416780f2cd355f4297e911eb87d6abac146dfc89375445d2323181f102d5347d3ff90fcf83876bde564365673c5a058e06b93acff68a7417e8bce717cb82adc0effc10dbed42e0bd867f7f092aff30946082e96009d03eb6ec249ad42b57c553d4b50fce7df6b7dce531cbec7529d9a8b1', 1795367137237253, NULL);


--
-- Data for Name: projects; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.projects VALUES (1, 'crash', 'http://vestibule.test', '{"project":{"id":"crash","public_origin":"http://vestibule.test"},"authentication":{"identities":["login_id","anonymous"],"primary_authenticators":["password"],"rate_limits":{"signup_anonymous":{"per_ip":{"enabled":false}}}},"identity":{"login_id":{"keys":[{"type":"username"}]}},"oauth":{"clients":[{"client_id":"rotating","x_application_type":"spa","redirect_uris":["http://app.test/"],"refresh_token_rotation_enabled":true,"refresh_token_rotation_grace_seconds":0,"id_token_signed_response_alg":"ES256"}]}}', 1, 1795367137237253, 1795367137237253);


--
-- Data for Name: sessions; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: spent; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.spent VALUES (1, '\xb3f19891f2c5ae85c102b8da557b743b', '\x01a2043872e07585aa776dd810911149', 1795368638016448);


--
-- Data for Name: tries; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: users; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.users VALUES (1, '\x01a2043872a676569074aba4b883027a', 1795367137958881, 1795367137958881, NULL, 1795367137958881, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.users VALUES (1, '\x01a2043872af7792ae9ba931b4c63a1d', 1795367137967253, 1795367137967253, NULL, 1795367137967253, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.users VALUES (1, '\x01a2043872b3791f8d7f09709c17a8eb', 1795367137971513, 1795367138043649, NULL, NULL, 1795367138043649, NULL, NULL, NULL, NULL);


--
-- Name: hook_deliveries_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.hook_deliveries_id_seq', 1, false);


--
-- Name: outbox_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.outbox_id_seq', 2, true);


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
-- Name: daily_counts daily_counts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.daily_counts
    ADD CONSTRAINT daily_counts_pkey PRIMARY KEY (project_no, day, client_id, name);


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
-- Name: flows flows_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.flows
    ADD CONSTRAINT flows_pkey PRIMARY KEY (project_no, id);


--
-- Name: grants grants_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.grants
    ADD CONSTRAINT grants_pkey PRIMARY KEY (project_no, id);


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
-- Name: login_ids login_ids_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.login_ids
    ADD CONSTRAINT login_ids_pkey PRIMARY KEY (project_no, kind, value);


--
-- Name: migrations migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (version);


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
-- Name: sessions sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (project_no, id);


--
-- Name: spent spent_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.spent
    ADD CONSTRAINT spent_pkey PRIMARY KEY (project_no, id);


--
-- Name: tries tries_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tries
    ADD CONSTRAINT tries_pkey PRIMARY KEY (project_no, id);


--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (project_no, id);


--
-- Name: authorization_codes_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX authorization_codes_by_expiry ON public.authorization_codes USING btree (expires_at);


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
-- Name: flows_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX flows_by_expiry ON public.flows USING btree (expires_at);


--
-- Name: grants_by_session; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX grants_by_session ON public.grants USING btree (project_no, session_id) WHERE (session_id IS NOT NULL);


--
-- Name: grants_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX grants_by_user ON public.grants USING btree (project_no, user_id);


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
-- Name: hook_deliveries_by_state; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hook_deliveries_by_state ON public.hook_deliveries USING btree (project_no, state, id);


--
-- Name: idempotency_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idempotency_by_expiry ON public.idempotency USING btree (expires_at);


--
-- Name: login_ids_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX login_ids_by_user ON public.login_ids USING btree (project_no, user_id);


--
-- Name: login_ids_prefix; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX login_ids_prefix ON public.login_ids USING btree (project_no, kind, value text_pattern_ops);


--
-- Name: outbox_by_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outbox_by_due ON public.outbox USING btree (kind, due_at);


--
-- Name: passkeys_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX passkeys_by_user ON public.passkeys USING btree (project_no, user_id);


--
-- Name: sessions_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sessions_by_user ON public.sessions USING btree (project_no, user_id);


--
-- Name: spent_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX spent_by_expiry ON public.spent USING btree (expires_at);


--
-- Name: tries_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tries_by_time ON public.tries USING btree (full_until);


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


