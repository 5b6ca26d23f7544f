CREATE TABLE public.adk_internal_metadata (
    key character varying(128) NOT NULL,
    value character varying(256) NOT NULL
);
CREATE TABLE public.app_states (
    app_name character varying(128) NOT NULL,
    state jsonb NOT NULL,
    update_time timestamp without time zone NOT NULL
);
CREATE TABLE public.events (
    id character varying(128) NOT NULL,
    app_name character varying(128) NOT NULL,
    user_id character varying(128) NOT NULL,
    session_id character varying(128) NOT NULL,
    invocation_id character varying(256) NOT NULL,
    "timestamp" timestamp without time zone NOT NULL,
    event_data jsonb
);
CREATE TABLE public.sessions (
    app_name character varying(128) NOT NULL,
    user_id character varying(128) NOT NULL,
    id character varying(128) NOT NULL,
    state jsonb NOT NULL,
    create_time timestamp without time zone NOT NULL,
    update_time timestamp without time zone NOT NULL
);
CREATE TABLE public.user_states (
    app_name character varying(128) NOT NULL,
    user_id character varying(128) NOT NULL,
    state jsonb NOT NULL,
    update_time timestamp without time zone NOT NULL
);
INSERT INTO public.adk_internal_metadata VALUES ('schema_version', '1');
INSERT INTO public.app_states VALUES ('trains', '{}', '2026-11-29 15:32:42.190218');
INSERT INTO public.events VALUES ('d7ba042f-c51a-419e-a1d2-a09ed71ab8de', 'trains', 'ada', 'rome', 'i1', '2026-11-29 15:32:42.200331', '{"id": "d7ba042f-c51a-419e-a1d2-a09ed71ab8de", "author": "user", "actions": {"state_delta": {}, "artifact_delta": {}, "requested_auth_configs": {}, "requested_tool_confirmations": {}}, "content": {"role": "user", "parts": [{"text": "A train to Rome, please"}]}, "node_info": {"path": ""}, "timestamp": 1795966362.2003314, "invocation_id": "i1"}');
INSERT INTO public.events VALUES ('3ba6481f-d729-4ed8-bcf2-afcc5d44c0c9', 'trains', 'ada', 'rome', 'i1', '2026-11-29 15:32:42.200454', '{"id": "3ba6481f-d729-4ed8-bcf2-afcc5d44c0c9", "author": "booker", "actions": {"state_delta": {}, "artifact_delta": {}, "requested_auth_configs": {}, "requested_tool_confirmations": {}}, "content": {"role": "model", "parts": [{"text": "I look.", "thought": true}, {"function_call": {"id": "adk-1", "args": {"to": "Rome"}, "name": "book"}}]}, "node_info": {"path": ""}, "timestamp": 1795966362.2004545, "invocation_id": "i1"}');
INSERT INTO public.events VALUES ('458c6d43-3a78-492a-833b-af1500ad0a83', 'trains', 'ada', 'rome', 'i1', '2026-11-29 15:32:42.200486', '{"id": "458c6d43-3a78-492a-833b-af1500ad0a83", "author": "booker", "actions": {"state_delta": {}, "artifact_delta": {}, "requested_auth_configs": {}, "requested_tool_confirmations": {}}, "content": {"role": "user", "parts": [{"function_response": {"id": "adk-1", "name": "book", "response": {"seat": "12A"}}}]}, "node_info": {"path": ""}, "timestamp": 1795966362.2004862, "invocation_id": "i1"}');
INSERT INTO public.events VALUES ('b3405a66-916f-4eeb-9915-b7d75a4b83fe', 'trains', 'ada', 'rome', 'i1', '2026-11-29 15:32:42.200515', '{"id": "b3405a66-916f-4eeb-9915-b7d75a4b83fe", "author": "booker", "actions": {"state_delta": {}, "artifact_delta": {}, "requested_auth_configs": {}, "requested_tool_confirmations": {}}, "content": {"role": "model", "parts": [{"text": "Booked:"}, {"text": "12A."}]}, "node_info": {"path": ""}, "timestamp": 1795966362.2005153, "invocation_id": "i1"}');
INSERT INTO public.events VALUES ('77f4295a-5f87-4a05-ab34-5b2a80ee5b6f', 'trains', 'grace', 'hello', 'i1', '2026-11-29 15:32:42.225751', '{"id": "77f4295a-5f87-4a05-ab34-5b2a80ee5b6f", "author": "user", "actions": {"state_delta": {}, "artifact_delta": {}, "requested_auth_configs": {}, "requested_tool_confirmations": {}}, "content": {"role": "user", "parts": [{"text": "Hello?"}]}, "node_info": {"path": ""}, "timestamp": 1795966362.225751, "invocation_id": "i1"}');
INSERT INTO public.sessions VALUES ('trains', 'ada', 'rome', '{"topic": "rome"}', '2026-11-29 15:32:42.196157', '2026-11-29 15:32:42.200515');
INSERT INTO public.sessions VALUES ('trains', 'grace', 'hello', '{}', '2026-11-29 15:32:42.224961', '2026-11-29 15:32:42.225751');
INSERT INTO public.user_states VALUES ('trains', 'ada', '{}', '2026-11-29 15:32:42.190218');
INSERT INTO public.user_states VALUES ('trains', 'grace', '{}', '2026-11-29 15:32:42.223472');
ALTER TABLE ONLY public.adk_internal_metadata
    ADD CONSTRAINT adk_internal_metadata_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.app_states
    ADD CONSTRAINT app_states_pkey PRIMARY KEY (app_name);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id, app_name, user_id, session_id);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (app_name, user_id, id);
ALTER TABLE ONLY public.user_states
    ADD CONSTRAINT user_states_pkey PRIMARY KEY (app_name, user_id);
CREATE INDEX idx_events_app_user_session_ts_id ON public.events USING btree (app_name, user_id, session_id, "timestamp" DESC, id DESC);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_app_name_user_id_session_id_fkey FOREIGN KEY (app_name, user_id, session_id) REFERENCES public.sessions(app_name, user_id, id) ON DELETE CASCADE;
