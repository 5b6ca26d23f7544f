CREATE TABLE public.chat_history (
    id integer NOT NULL,
    session_id uuid NOT NULL,
    message jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE SEQUENCE public.chat_history_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.chat_history_id_seq OWNED BY public.chat_history.id;
ALTER TABLE ONLY public.chat_history ALTER COLUMN id SET DEFAULT nextval('public.chat_history_id_seq'::regclass);
INSERT INTO public.chat_history VALUES (1, '5b1a3f0e-6c1d-4e0f-9a49-0d4b8a3f9c11', '{"data": {"id": null, "name": null, "type": "system", "content": "You book trains.", "additional_kwargs": {}, "response_metadata": {}}, "type": "system"}', '2026-11-29 15:32:43.379055+00');
INSERT INTO public.chat_history VALUES (2, '5b1a3f0e-6c1d-4e0f-9a49-0d4b8a3f9c11', '{"data": {"id": null, "name": "ada", "type": "human", "content": "A train to Rome, please", "additional_kwargs": {}, "response_metadata": {}}, "type": "human"}', '2026-11-29 15:32:43.379055+00');
INSERT INTO public.chat_history VALUES (3, '5b1a3f0e-6c1d-4e0f-9a49-0d4b8a3f9c11', '{"data": {"id": null, "name": null, "type": "ai", "content": "", "tool_calls": [{"id": "call_1", "args": {"to": "Rome"}, "name": "book", "type": "tool_call"}], "usage_metadata": null, "additional_kwargs": {}, "response_metadata": {}, "invalid_tool_calls": []}, "type": "ai"}', '2026-11-29 15:32:43.379055+00');
INSERT INTO public.chat_history VALUES (4, '5b1a3f0e-6c1d-4e0f-9a49-0d4b8a3f9c11', '{"data": {"id": null, "name": null, "type": "tool", "status": "error", "content": "full", "artifact": null, "tool_call_id": "call_1", "additional_kwargs": {}, "response_metadata": {}}, "type": "tool"}', '2026-11-29 15:32:43.379055+00');
INSERT INTO public.chat_history VALUES (5, '5b1a3f0e-6c1d-4e0f-9a49-0d4b8a3f9c11', '{"data": {"id": null, "name": null, "type": "ai", "content": [{"text": "Sorry,", "type": "text"}, {"text": "it is full.", "type": "text"}], "tool_calls": [], "usage_metadata": null, "additional_kwargs": {}, "response_metadata": {}, "invalid_tool_calls": []}, "type": "ai"}', '2026-11-29 15:32:43.379055+00');
INSERT INTO public.chat_history VALUES (6, '6c2b4f1f-7d2e-4f10-8b5a-1e5c9b40ad22', '{"data": {"id": null, "name": null, "type": "human", "content": "Hello?", "additional_kwargs": {}, "response_metadata": {}}, "type": "human"}', '2026-11-29 15:32:43.380163+00');
INSERT INTO public.chat_history VALUES (7, '6c2b4f1f-7d2e-4f10-8b5a-1e5c9b40ad22', '{"data": {"id": null, "name": null, "type": "ai", "content": "Hello!", "tool_calls": [], "usage_metadata": null, "additional_kwargs": {}, "response_metadata": {}, "invalid_tool_calls": []}, "type": "ai"}', '2026-11-29 15:32:43.380163+00');
ALTER TABLE ONLY public.chat_history
    ADD CONSTRAINT chat_history_pkey PRIMARY KEY (id);
CREATE INDEX idx_chat_history_session_id ON public.chat_history USING btree (session_id);
