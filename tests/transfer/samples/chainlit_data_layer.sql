CREATE TABLE public.elements (
    id uuid NOT NULL,
    "threadId" uuid,
    type text,
    url text,
    "chainlitKey" text,
    name text NOT NULL,
    display text,
    "objectKey" text,
    size text,
    page integer,
    language text,
    "forId" uuid,
    mime text,
    props jsonb
);
CREATE TABLE public.feedbacks (
    id uuid NOT NULL,
    "forId" uuid NOT NULL,
    "threadId" uuid NOT NULL,
    value integer NOT NULL,
    comment text
);
CREATE TABLE public.steps (
    id uuid NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    "threadId" uuid NOT NULL,
    "parentId" uuid,
    streaming boolean NOT NULL,
    "waitForAnswer" boolean,
    "isError" boolean,
    metadata jsonb,
    tags text[],
    input text,
    output text,
    "createdAt" text,
    command text,
    start text,
    "end" text,
    generation jsonb,
    "showInput" text,
    language text,
    indent integer,
    "defaultOpen" boolean,
    modes jsonb
);
CREATE TABLE public.threads (
    id uuid NOT NULL,
    "createdAt" text,
    name text,
    "userId" uuid,
    "userIdentifier" text,
    tags text[],
    metadata jsonb
);
CREATE TABLE public.users (
    id uuid NOT NULL,
    identifier text NOT NULL,
    metadata jsonb NOT NULL,
    "createdAt" text
);
INSERT INTO public.steps VALUES ('281a774b-241a-5b06-a395-72e08230224c', 'user_message', 'user_message', '90e343c8-7f57-599c-af85-9842c13793a3', NULL, false, NULL, NULL, '{}', NULL, NULL, 'A train to Rome, please', '2025-03-04T09:10:01.123000Z', NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.steps VALUES ('7f62d5d3-1afe-5477-90b3-78fe72e97663', 'book', 'tool', '90e343c8-7f57-599c-af85-9842c13793a3', NULL, false, NULL, NULL, '{}', NULL, '{"to": "Rome"}', '12A', '2025-03-04T09:10:02.123000Z', NULL, '2025-03-04T09:10:02.123000Z', NULL, '{}', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.steps VALUES ('8c787289-64d4-5ae7-89a4-a2eaf24f71f6', 'assistant_message', 'assistant_message', '90e343c8-7f57-599c-af85-9842c13793a3', NULL, false, NULL, NULL, '{}', NULL, NULL, 'Booked: 12A.', '2025-03-04T09:10:03.123000Z', NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.steps VALUES ('eb9fcdf6-11c2-5959-80c8-9e06faa415b5', 'user_message', 'user_message', 'a5d33fe2-1bd0-5c57-8495-e8d61a640b68', NULL, false, NULL, NULL, '{}', NULL, NULL, 'Hello?', '2025-03-04T09:10:04.123000Z', NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.threads VALUES ('90e343c8-7f57-599c-af85-9842c13793a3', '2026-11-29T15:32:41.010704Z', 'Rome', '9883e00c-950a-42da-9590-aa13347985b3', 'ada@example.org', '{trains}', '{"topic": "rome"}');
INSERT INTO public.threads VALUES ('a5d33fe2-1bd0-5c57-8495-e8d61a640b68', '2026-11-29T15:32:41.013154Z', 'Hello', NULL, NULL, NULL, '{}');
INSERT INTO public.users VALUES ('9883e00c-950a-42da-9590-aa13347985b3', 'ada@example.org', '{}', '2026-11-29T15:32:41.003560Z');
ALTER TABLE ONLY public.elements
    ADD CONSTRAINT elements_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.feedbacks
    ADD CONSTRAINT feedbacks_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.steps
    ADD CONSTRAINT steps_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.threads
    ADD CONSTRAINT threads_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_identifier_key UNIQUE (identifier);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.elements
    ADD CONSTRAINT "elements_threadId_fkey" FOREIGN KEY ("threadId") REFERENCES public.threads(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.feedbacks
    ADD CONSTRAINT "feedbacks_threadId_fkey" FOREIGN KEY ("threadId") REFERENCES public.threads(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.steps
    ADD CONSTRAINT "steps_threadId_fkey" FOREIGN KEY ("threadId") REFERENCES public.threads(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.threads
    ADD CONSTRAINT "threads_userId_fkey" FOREIGN KEY ("userId") REFERENCES public.users(id) ON DELETE CASCADE;
