CREATE TABLE public.agent_messages (
    id integer NOT NULL,
    session_id character varying NOT NULL,
    message_data text NOT NULL,
    created_at timestamp without time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);
CREATE SEQUENCE public.agent_messages_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.agent_messages_id_seq OWNED BY public.agent_messages.id;
CREATE TABLE public.agent_sessions (
    session_id character varying NOT NULL,
    created_at timestamp without time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp without time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);
ALTER TABLE ONLY public.agent_messages ALTER COLUMN id SET DEFAULT nextval('public.agent_messages_id_seq'::regclass);
INSERT INTO public.agent_messages VALUES (1, 'ada:rome', '{"role":"user","content":"A train to Rome, please"}', '2026-11-29 15:32:45.014601');
INSERT INTO public.agent_messages VALUES (2, 'ada:rome', '{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"A train."}]}', '2026-11-29 15:32:45.01879');
INSERT INTO public.agent_messages VALUES (3, 'ada:rome', '{"type":"function_call","id":"fc_1","call_id":"call_1","name":"book","arguments":"{\"to\":\"Rome\"}"}', '2026-11-29 15:32:45.01879');
INSERT INTO public.agent_messages VALUES (4, 'ada:rome', '{"type":"function_call_output","call_id":"call_1","output":"12A"}', '2026-11-29 15:32:45.01879');
INSERT INTO public.agent_messages VALUES (5, 'ada:rome', '{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Booked: 12A.","annotations":[],"logprobs":[]}]}', '2026-11-29 15:32:45.01879');
INSERT INTO public.agent_messages VALUES (6, 'grace:image', '{"role":"user","content":[{"type":"input_text","text":"What is this?"},{"type":"input_image","image_url":"data:,"}]}', '2026-11-29 15:32:45.02166');
INSERT INTO public.agent_messages VALUES (7, 'nobody', '{"role":"user","content":"Hello"}', '2026-11-29 15:32:45.02503');
INSERT INTO public.agent_sessions VALUES ('ada:rome', '2026-11-29 15:32:45.014601', '2026-11-29 15:32:45.01879');
INSERT INTO public.agent_sessions VALUES ('grace:image', '2026-11-29 15:32:45.02166', '2026-11-29 15:32:45.02166');
INSERT INTO public.agent_sessions VALUES ('nobody', '2026-11-29 15:32:45.02503', '2026-11-29 15:32:45.02503');
ALTER TABLE ONLY public.agent_messages
    ADD CONSTRAINT agent_messages_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.agent_sessions
    ADD CONSTRAINT agent_sessions_pkey PRIMARY KEY (session_id);
CREATE INDEX idx_agent_messages_session_time ON public.agent_messages USING btree (session_id, created_at);
ALTER TABLE ONLY public.agent_messages
    ADD CONSTRAINT agent_messages_session_id_fkey FOREIGN KEY (session_id) REFERENCES public.agent_sessions(session_id) ON DELETE CASCADE;
