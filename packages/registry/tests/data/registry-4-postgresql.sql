CREATE TYPE public.pachon_integers AS RANGE (
    subtype = bigint,
    multirange_type_name = public.pachon_integers_multirange,
    subtype_diff = int8range_subdiff
);
CREATE TYPE public.pachon_texts AS RANGE (
    subtype = text,
    multirange_type_name = public.pachon_texts_multirange,
    collation = pg_catalog."C"
);
CREATE TABLE public.attribute (
    name character varying(64) NOT NULL COLLATE pg_catalog."C",
    value character varying NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.change_counter (
    name character varying(64) NOT NULL COLLATE pg_catalog."C",
    value bigint NOT NULL
);
CREATE TABLE public.collection (
    collection_id bigint NOT NULL,
    name character varying(128) NOT NULL COLLATE pg_catalog."C",
    type smallint NOT NULL,
    doc character varying NOT NULL COLLATE pg_catalog."C",
    sealed boolean DEFAULT false NOT NULL
);
CREATE TABLE public.collection_child (
    parent_id bigint NOT NULL,
    "position" integer NOT NULL,
    child_id bigint NOT NULL
);
CREATE SEQUENCE public.collection_collection_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.collection_collection_id_seq OWNED BY public.collection.collection_id;
CREATE TABLE public.dataset (
    dataset_id uuid NOT NULL,
    dataset_type_id bigint NOT NULL,
    run_id bigint NOT NULL,
    ingest_ns bigint NOT NULL
);
CREATE TABLE public.dataset_type (
    dataset_type_id bigint NOT NULL,
    name character varying(128) NOT NULL COLLATE pg_catalog."C",
    group_id bigint NOT NULL,
    storage_class character varying(128) NOT NULL COLLATE pg_catalog."C",
    is_calibration boolean NOT NULL
);
CREATE SEQUENCE public.dataset_type_dataset_type_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.dataset_type_dataset_type_id_seq OWNED BY public.dataset_type.dataset_type_id;
CREATE TABLE public.dimension_group (
    group_id bigint NOT NULL,
    dimensions character varying NOT NULL COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.dimension_group_group_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.dimension_group_group_id_seq OWNED BY public.dimension_group.group_id;
CREATE TABLE public.element_fibre (
    spectrograph character varying(16) NOT NULL COLLATE pg_catalog."C",
    id bigint NOT NULL,
    label character varying(8) NOT NULL COLLATE pg_catalog."C",
    broken boolean
);
CREATE TABLE public.element_fibre_target (
    spectrograph character varying(16) NOT NULL COLLATE pg_catalog."C",
    fibre bigint NOT NULL,
    plate bigint NOT NULL,
    target character varying(64) COLLATE pg_catalog."C"
);
CREATE TABLE public.element_field (
    id bigint NOT NULL,
    title character varying(64) COLLATE pg_catalog."C",
    region bytea
);
CREATE TABLE public.element_grating (
    spectrograph character varying(16) NOT NULL COLLATE pg_catalog."C",
    name character varying(32) NOT NULL COLLATE pg_catalog."C",
    arm character varying(16) NOT NULL COLLATE pg_catalog."C",
    lines_per_mm double precision
);
CREATE TABLE public.element_plate (
    spectrograph character varying(16) NOT NULL COLLATE pg_catalog."C",
    id bigint NOT NULL,
    checksum bytea,
    region bytea
);
CREATE TABLE public.element_shift (
    name character varying(32) NOT NULL COLLATE pg_catalog."C",
    timespan_begin bigint,
    timespan_end bigint
);
CREATE TABLE public.element_spectrograph (
    name character varying(16) NOT NULL COLLATE pg_catalog."C",
    fibre_count bigint NOT NULL
);
CREATE TABLE public.element_spectrum (
    spectrograph character varying(16) NOT NULL COLLATE pg_catalog."C",
    id bigint NOT NULL,
    grating character varying(32) NOT NULL COLLATE pg_catalog."C",
    plate bigint NOT NULL,
    seeing double precision,
    timespan_begin bigint,
    timespan_end bigint
);
CREATE TABLE public.membership_1 (
    dataset_type_id bigint NOT NULL,
    dim_spectrograph character varying(16) NOT NULL COLLATE pg_catalog."C",
    dim_fibre bigint NOT NULL,
    collection_id bigint NOT NULL,
    dataset_id uuid NOT NULL,
    run_id bigint NOT NULL
);
CREATE TABLE public.membership_2 (
    dataset_type_id bigint NOT NULL,
    dim_spectrograph character varying(16) NOT NULL COLLATE pg_catalog."C",
    dim_plate bigint NOT NULL,
    dim_fibre bigint NOT NULL,
    collection_id bigint NOT NULL,
    dataset_id uuid NOT NULL,
    run_id bigint NOT NULL
);
CREATE TABLE public.membership_3 (
    dataset_type_id bigint NOT NULL,
    collection_id bigint NOT NULL,
    dataset_id uuid NOT NULL,
    run_id bigint NOT NULL
);
CREATE TABLE public.opaque_catalog (
    name character varying(48) NOT NULL COLLATE pg_catalog."C",
    columns character varying NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.overlap_field (
    dim_healpix4 bigint NOT NULL,
    dim_field bigint NOT NULL
);
CREATE TABLE public.overlap_plate (
    dim_healpix4 bigint NOT NULL,
    dim_spectrograph character varying(16) NOT NULL COLLATE pg_catalog."C",
    dim_plate bigint NOT NULL
);
CREATE TABLE public.records_sample_note (
    id uuid NOT NULL,
    text character varying(40) NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.summary_dataset_type (
    collection_id bigint NOT NULL,
    dataset_type_id bigint NOT NULL
);
CREATE TABLE public.summary_governor (
    collection_id bigint NOT NULL,
    governor character varying NOT NULL COLLATE pg_catalog."C",
    value character varying NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.validity_1 (
    dataset_type_id bigint NOT NULL,
    dim_spectrograph character varying(16) NOT NULL COLLATE pg_catalog."C",
    dim_fibre bigint NOT NULL,
    collection_id bigint NOT NULL,
    begin_ns bigint NOT NULL,
    end_ns bigint NOT NULL,
    dataset_id uuid NOT NULL,
    run_id bigint NOT NULL,
    CONSTRAINT ck_validity_1_not_empty CHECK ((begin_ns < end_ns))
);
CREATE TABLE public.validity_2 (
    dataset_type_id bigint NOT NULL,
    dim_spectrograph character varying(16) NOT NULL COLLATE pg_catalog."C",
    dim_plate bigint NOT NULL,
    dim_fibre bigint NOT NULL,
    collection_id bigint NOT NULL,
    begin_ns bigint NOT NULL,
    end_ns bigint NOT NULL,
    dataset_id uuid NOT NULL,
    run_id bigint NOT NULL,
    CONSTRAINT ck_validity_2_not_empty CHECK ((begin_ns < end_ns))
);
CREATE TABLE public.validity_3 (
    dataset_type_id bigint NOT NULL,
    collection_id bigint NOT NULL,
    begin_ns bigint NOT NULL,
    end_ns bigint NOT NULL,
    dataset_id uuid NOT NULL,
    run_id bigint NOT NULL,
    CONSTRAINT ck_validity_3_not_empty CHECK ((begin_ns < end_ns))
);
ALTER TABLE ONLY public.collection ALTER COLUMN collection_id SET DEFAULT nextval('public.collection_collection_id_seq'::regclass);
ALTER TABLE ONLY public.dataset_type ALTER COLUMN dataset_type_id SET DEFAULT nextval('public.dataset_type_dataset_type_id_seq'::regclass);
ALTER TABLE ONLY public.dimension_group ALTER COLUMN group_id SET DEFAULT nextval('public.dimension_group_group_id_seq'::regclass);
INSERT INTO public.attribute VALUES ('schema_version', '4');
INSERT INTO public.attribute VALUES ('universe', '{"version": 3, "namespace": "fibres", "skypix": {"common": "healpix4", "healpix": {"class": "lsst.sphgeom.HealpixPixelization", "max_level": 8}}, "elements": {"spectrograph": {"doc": "An instrument that is fed by fibres.", "governor": true, "keys": [{"name": "name", "type": "string", "length": 16}], "metadata": [{"name": "fibre_count", "type": "int", "nullable": false}]}, "arm": {"doc": "A range of wavelengths, the values that gratings name.", "keys": [{"name": "name", "type": "string", "length": 16}], "implied_union_target": "grating"}, "grating": {"requires": ["spectrograph"], "implies": ["arm"], "is_cached": true, "keys": [{"name": "name", "type": "string", "length": 32}], "metadata": [{"name": "lines_per_mm", "type": "float"}]}, "fibre": {"requires": ["spectrograph"], "is_cached": true, "keys": [{"name": "id", "type": "int"}, {"name": "label", "type": "string", "length": 8}], "metadata": [{"name": "broken", "type": "bool"}]}, "field": {"doc": "An area of the sky; it belongs to no governor.", "keys": [{"name": "id", "type": "int"}], "metadata": [{"name": "title", "type": "string", "length": 64}]}, "plate": {"requires": ["spectrograph"], "keys": [{"name": "id", "type": "int"}], "metadata": [{"name": "checksum", "type": "hash", "nbytes": 8}]}, "spectrum": {"doc": "One shot through a plate.", "requires": ["spectrograph"], "implies": ["plate", "grating"], "keys": [{"name": "id", "type": "int"}], "metadata": [{"name": "seeing", "type": "float"}]}, "shift": {"doc": "Half a night; it belongs to no governor.", "keys": [{"name": "name", "type": "string", "length": 32}]}, "fibre_target": {"doc": "Which fibre of a plate looks at something.", "requires": ["plate", "fibre"], "always_join": true, "populated_by": "plate", "metadata": [{"name": "target", "type": "string", "length": 64}]}}, "topology": {"spatial": {"plates": ["plate"], "fields": ["field"]}, "temporal": {"shots": ["spectrum"], "shifts": ["shift"]}}}');
INSERT INTO public.attribute VALUES ('universe_namespace', 'fibres');
INSERT INTO public.attribute VALUES ('universe_version', '3');
INSERT INTO public.attribute VALUES ('universe_digest', '0f7c41e2a16f96a794f19e79ab089f02');
INSERT INTO public.change_counter VALUES ('definitions', 1);
INSERT INTO public.collection VALUES (1, 'run/1', 1, 'The run/1.', false);
INSERT INTO public.collection VALUES (2, 'tag', 2, 'The tag.', false);
INSERT INTO public.collection VALUES (3, 'calib', 4, 'The calib.', false);
INSERT INTO public.collection VALUES (4, 'chain', 3, 'The chain.', false);
INSERT INTO public.collection_child VALUES (4, 0, 2);
INSERT INTO public.collection_child VALUES (4, 1, 3);
INSERT INTO public.collection_child VALUES (4, 2, 1);
INSERT INTO public.dataset VALUES ('01a23288-e7e2-7742-a3bf-c47cdbf0e0fd', 1, 1, 1796144199797249000);
INSERT INTO public.dataset VALUES ('01a23288-e7e2-7742-a3bf-c47cdbf0e0fe', 1, 1, 1796144199797249000);
INSERT INTO public.dataset VALUES ('01a23288-e7e2-7742-a3bf-c47cdbf0e100', 3, 1, 1796144199802609000);
INSERT INTO public.dataset VALUES ('01a23288-e7e2-7742-a3bf-c47cdbf0e0ff', 2, 1, 1796144199811868000);
INSERT INTO public.dataset_type VALUES (1, 'flat', 1, 'int', true);
INSERT INTO public.dataset_type VALUES (2, 'shot', 2, 'int', false);
INSERT INTO public.dataset_type VALUES (3, 'log', 3, 'int', false);
INSERT INTO public.dimension_group VALUES (1, 'spectrograph,fibre');
INSERT INTO public.dimension_group VALUES (2, 'spectrograph,fibre,plate');
INSERT INTO public.dimension_group VALUES (3, '');
INSERT INTO public.element_fibre VALUES ('S', 0, 'f''0', false);
INSERT INTO public.element_fibre VALUES ('S', 1, 'f''1', true);
INSERT INTO public.element_fibre_target VALUES ('S', 1, 1, 'M 31');
INSERT INTO public.element_grating VALUES ('S', 'blue', 'b', 600.5);
INSERT INTO public.element_plate VALUES ('S', 1, '\x0001', '\x6361b46c3a039ded3f3b46fac0f2e2c43ff50b8a74a8e3d53fe08fdf8c9b8dc93ef561b70371985c3f');
INSERT INTO public.element_shift VALUES ('nüit', 1704067200000000000, 4102444800000000000);
INSERT INTO public.element_spectrograph VALUES ('S', 2);
INSERT INTO public.membership_1 VALUES (1, 'S', 0, 1, '01a23288-e7e2-7742-a3bf-c47cdbf0e0fd', 1);
INSERT INTO public.membership_1 VALUES (1, 'S', 1, 1, '01a23288-e7e2-7742-a3bf-c47cdbf0e0fe', 1);
INSERT INTO public.membership_2 VALUES (2, 'S', 1, 0, 1, '01a23288-e7e2-7742-a3bf-c47cdbf0e0ff', 1);
INSERT INTO public.membership_2 VALUES (2, 'S', 1, 0, 2, '01a23288-e7e2-7742-a3bf-c47cdbf0e0ff', 1);
INSERT INTO public.membership_3 VALUES (3, 1, '01a23288-e7e2-7742-a3bf-c47cdbf0e100', 1);
INSERT INTO public.membership_3 VALUES (3, 2, '01a23288-e7e2-7742-a3bf-c47cdbf0e100', 1);
INSERT INTO public.opaque_catalog VALUES ('sample_note', '[{"name": "id", "type": "uuid", "length": null, "key": true, "nullable": false, "index": false}, {"name": "text", "type": "text", "length": 40, "key": false, "nullable": false, "index": false}]');
INSERT INTO public.overlap_plate VALUES (1241, 'S', 1);
INSERT INTO public.records_sample_note VALUES ('01a23288-e7e2-7742-a3bf-c47cdbf0e0fd', 'note 0');
INSERT INTO public.records_sample_note VALUES ('01a23288-e7e2-7742-a3bf-c47cdbf0e0fe', 'note 1');
INSERT INTO public.records_sample_note VALUES ('01a23288-e7e2-7742-a3bf-c47cdbf0e0ff', 'note 2');
INSERT INTO public.records_sample_note VALUES ('01a23288-e7e2-7742-a3bf-c47cdbf0e100', 'note 3');
INSERT INTO public.summary_dataset_type VALUES (1, 1);
INSERT INTO public.summary_dataset_type VALUES (1, 3);
INSERT INTO public.summary_dataset_type VALUES (1, 2);
INSERT INTO public.summary_dataset_type VALUES (2, 2);
INSERT INTO public.summary_dataset_type VALUES (2, 3);
INSERT INTO public.summary_dataset_type VALUES (3, 1);
INSERT INTO public.summary_governor VALUES (1, 'spectrograph', 'S');
INSERT INTO public.summary_governor VALUES (2, 'spectrograph', 'S');
INSERT INTO public.summary_governor VALUES (3, 'spectrograph', 'S');
INSERT INTO public.validity_1 VALUES (1, 'S', 0, 3, 1704067200000000000, 1706745600000000000, '01a23288-e7e2-7742-a3bf-c47cdbf0e0fd', 1);
SELECT pg_catalog.setval('public.collection_collection_id_seq', 4, true);
SELECT pg_catalog.setval('public.dataset_type_dataset_type_id_seq', 3, true);
SELECT pg_catalog.setval('public.dimension_group_group_id_seq', 3, true);
ALTER TABLE ONLY public.validity_1
    ADD CONSTRAINT ex_validity_1_no_overlap EXCLUDE USING gist (public.pachon_integers(dim_fibre, dim_fibre, '[]'::text) WITH &&, public.pachon_texts((dim_spectrograph)::text, (dim_spectrograph)::text, '[]'::text) WITH &&, public.pachon_integers(collection_id, collection_id, '[]'::text) WITH &&, public.pachon_integers(dataset_type_id, dataset_type_id, '[]'::text) WITH &&, int8range(begin_ns, end_ns) WITH &&);
ALTER TABLE ONLY public.validity_2
    ADD CONSTRAINT ex_validity_2_no_overlap EXCLUDE USING gist (public.pachon_integers(dim_fibre, dim_fibre, '[]'::text) WITH &&, public.pachon_integers(dim_plate, dim_plate, '[]'::text) WITH &&, public.pachon_texts((dim_spectrograph)::text, (dim_spectrograph)::text, '[]'::text) WITH &&, public.pachon_integers(collection_id, collection_id, '[]'::text) WITH &&, public.pachon_integers(dataset_type_id, dataset_type_id, '[]'::text) WITH &&, int8range(begin_ns, end_ns) WITH &&);
ALTER TABLE ONLY public.validity_3
    ADD CONSTRAINT ex_validity_3_no_overlap EXCLUDE USING gist (public.pachon_integers(collection_id, collection_id, '[]'::text) WITH &&, public.pachon_integers(dataset_type_id, dataset_type_id, '[]'::text) WITH &&, int8range(begin_ns, end_ns) WITH &&);
ALTER TABLE ONLY public.attribute
    ADD CONSTRAINT pk_attribute PRIMARY KEY (name);
ALTER TABLE ONLY public.change_counter
    ADD CONSTRAINT pk_change_counter PRIMARY KEY (name);
ALTER TABLE ONLY public.collection
    ADD CONSTRAINT pk_collection PRIMARY KEY (collection_id);
ALTER TABLE ONLY public.collection_child
    ADD CONSTRAINT pk_collection_child PRIMARY KEY (parent_id, "position");
ALTER TABLE ONLY public.dataset
    ADD CONSTRAINT pk_dataset PRIMARY KEY (dataset_id);
ALTER TABLE ONLY public.dataset_type
    ADD CONSTRAINT pk_dataset_type PRIMARY KEY (dataset_type_id);
ALTER TABLE ONLY public.dimension_group
    ADD CONSTRAINT pk_dimension_group PRIMARY KEY (group_id);
ALTER TABLE ONLY public.element_fibre
    ADD CONSTRAINT pk_element_fibre PRIMARY KEY (spectrograph, id);
ALTER TABLE ONLY public.element_fibre_target
    ADD CONSTRAINT pk_element_fibre_target PRIMARY KEY (spectrograph, fibre, plate);
ALTER TABLE ONLY public.element_field
    ADD CONSTRAINT pk_element_field PRIMARY KEY (id);
ALTER TABLE ONLY public.element_grating
    ADD CONSTRAINT pk_element_grating PRIMARY KEY (spectrograph, name);
ALTER TABLE ONLY public.element_plate
    ADD CONSTRAINT pk_element_plate PRIMARY KEY (spectrograph, id);
ALTER TABLE ONLY public.element_shift
    ADD CONSTRAINT pk_element_shift PRIMARY KEY (name);
ALTER TABLE ONLY public.element_spectrograph
    ADD CONSTRAINT pk_element_spectrograph PRIMARY KEY (name);
ALTER TABLE ONLY public.element_spectrum
    ADD CONSTRAINT pk_element_spectrum PRIMARY KEY (spectrograph, id);
ALTER TABLE ONLY public.membership_1
    ADD CONSTRAINT pk_membership_1 PRIMARY KEY (dataset_type_id, dim_spectrograph, dim_fibre, collection_id);
ALTER TABLE ONLY public.membership_2
    ADD CONSTRAINT pk_membership_2 PRIMARY KEY (dataset_type_id, dim_spectrograph, dim_plate, dim_fibre, collection_id);
ALTER TABLE ONLY public.membership_3
    ADD CONSTRAINT pk_membership_3 PRIMARY KEY (dataset_type_id, collection_id);
ALTER TABLE ONLY public.opaque_catalog
    ADD CONSTRAINT pk_opaque_catalog PRIMARY KEY (name);
ALTER TABLE ONLY public.overlap_field
    ADD CONSTRAINT pk_overlap_field PRIMARY KEY (dim_healpix4, dim_field);
ALTER TABLE ONLY public.overlap_plate
    ADD CONSTRAINT pk_overlap_plate PRIMARY KEY (dim_healpix4, dim_spectrograph, dim_plate);
ALTER TABLE ONLY public.records_sample_note
    ADD CONSTRAINT pk_records_sample_note PRIMARY KEY (id);
ALTER TABLE ONLY public.summary_dataset_type
    ADD CONSTRAINT pk_summary_dataset_type PRIMARY KEY (collection_id, dataset_type_id);
ALTER TABLE ONLY public.summary_governor
    ADD CONSTRAINT pk_summary_governor PRIMARY KEY (collection_id, governor, value);
ALTER TABLE ONLY public.validity_1
    ADD CONSTRAINT pk_validity_1 PRIMARY KEY (dataset_type_id, dim_spectrograph, dim_fibre, collection_id, begin_ns);
ALTER TABLE ONLY public.validity_2
    ADD CONSTRAINT pk_validity_2 PRIMARY KEY (dataset_type_id, dim_spectrograph, dim_plate, dim_fibre, collection_id, begin_ns);
ALTER TABLE ONLY public.validity_3
    ADD CONSTRAINT pk_validity_3 PRIMARY KEY (dataset_type_id, collection_id, begin_ns);
ALTER TABLE ONLY public.collection_child
    ADD CONSTRAINT uq_collection_child_parent_id_child_id UNIQUE (parent_id, child_id);
ALTER TABLE ONLY public.collection
    ADD CONSTRAINT uq_collection_name UNIQUE (name);
ALTER TABLE ONLY public.dataset_type
    ADD CONSTRAINT uq_dataset_type_name UNIQUE (name);
ALTER TABLE ONLY public.dimension_group
    ADD CONSTRAINT uq_dimension_group_dimensions UNIQUE (dimensions);
ALTER TABLE ONLY public.element_fibre
    ADD CONSTRAINT uq_element_fibre_spectrograph_label UNIQUE (spectrograph, label);
CREATE INDEX ix_collection_child_child_id ON public.collection_child USING btree (child_id);
CREATE INDEX ix_dataset_run_id_dataset_type_id_ingest_ns ON public.dataset USING btree (run_id, dataset_type_id, ingest_ns);
CREATE INDEX ix_element_fibre_target_spectrograph_plate_fibre ON public.element_fibre_target USING btree (spectrograph, plate, fibre);
CREATE INDEX ix_element_grating_spectrograph_arm ON public.element_grating USING btree (spectrograph, arm);
CREATE INDEX ix_element_shift_timespan_begin ON public.element_shift USING btree (timespan_begin);
CREATE INDEX ix_element_spectrum_spectrograph_grating ON public.element_spectrum USING btree (spectrograph, grating);
CREATE INDEX ix_element_spectrum_spectrograph_plate ON public.element_spectrum USING btree (spectrograph, plate);
CREATE INDEX ix_element_spectrum_timespan_begin ON public.element_spectrum USING btree (timespan_begin);
CREATE INDEX ix_membership_1_collection_id_dataset_type_id_dataset_id_run_id ON public.membership_1 USING btree (collection_id, dataset_type_id, dataset_id, run_id);
CREATE INDEX ix_membership_1_dataset_id ON public.membership_1 USING btree (dataset_id);
CREATE INDEX ix_membership_2_collection_id_dataset_type_id_dataset_id_run_id ON public.membership_2 USING btree (collection_id, dataset_type_id, dataset_id, run_id);
CREATE INDEX ix_membership_2_dataset_id ON public.membership_2 USING btree (dataset_id);
CREATE INDEX ix_membership_2_dim_fibre_dataset_type_id_collection_id_486a ON public.membership_2 USING btree (dim_fibre, dataset_type_id, collection_id, dim_spectrograph);
CREATE INDEX ix_membership_3_collection_id_dataset_type_id_dataset_id_run_id ON public.membership_3 USING btree (collection_id, dataset_type_id, dataset_id, run_id);
CREATE INDEX ix_membership_3_dataset_id ON public.membership_3 USING btree (dataset_id);
CREATE INDEX ix_overlap_field_dim_field ON public.overlap_field USING btree (dim_field);
CREATE INDEX ix_overlap_plate_dim_spectrograph_dim_plate ON public.overlap_plate USING btree (dim_spectrograph, dim_plate);
CREATE INDEX ix_summary_dataset_type_dataset_type_id ON public.summary_dataset_type USING btree (dataset_type_id);
CREATE INDEX ix_validity_1_collection_id_dataset_type_id_dataset_id_run_id ON public.validity_1 USING btree (collection_id, dataset_type_id, dataset_id, run_id);
CREATE INDEX ix_validity_1_dataset_id ON public.validity_1 USING btree (dataset_id);
CREATE INDEX ix_validity_2_collection_id_dataset_type_id_dataset_id_run_id ON public.validity_2 USING btree (collection_id, dataset_type_id, dataset_id, run_id);
CREATE INDEX ix_validity_2_dataset_id ON public.validity_2 USING btree (dataset_id);
CREATE INDEX ix_validity_3_collection_id_dataset_type_id_dataset_id_run_id ON public.validity_3 USING btree (collection_id, dataset_type_id, dataset_id, run_id);
CREATE INDEX ix_validity_3_dataset_id ON public.validity_3 USING btree (dataset_id);
ALTER TABLE ONLY public.collection_child
    ADD CONSTRAINT fk_collection_child_child_id FOREIGN KEY (child_id) REFERENCES public.collection(collection_id);
ALTER TABLE ONLY public.collection_child
    ADD CONSTRAINT fk_collection_child_parent_id FOREIGN KEY (parent_id) REFERENCES public.collection(collection_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.dataset_type
    ADD CONSTRAINT fk_dataset_type_group_id FOREIGN KEY (group_id) REFERENCES public.dimension_group(group_id);
ALTER TABLE ONLY public.summary_dataset_type
    ADD CONSTRAINT fk_summary_dataset_type_collection_id FOREIGN KEY (collection_id) REFERENCES public.collection(collection_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.summary_dataset_type
    ADD CONSTRAINT fk_summary_dataset_type_dataset_type_id FOREIGN KEY (dataset_type_id) REFERENCES public.dataset_type(dataset_type_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.summary_governor
    ADD CONSTRAINT fk_summary_governor_collection_id FOREIGN KEY (collection_id) REFERENCES public.collection(collection_id) ON DELETE CASCADE;
