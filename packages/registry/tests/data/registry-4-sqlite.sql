BEGIN TRANSACTION;
CREATE TABLE attribute (
	name VARCHAR(64) NOT NULL, 
	value VARCHAR NOT NULL, 
	CONSTRAINT pk_attribute PRIMARY KEY (name)
);
INSERT INTO "attribute" VALUES('schema_version','4');
INSERT INTO "attribute" VALUES('universe','{"version": 3, "namespace": "fibres", "skypix": {"common": "healpix4", "healpix": {"class": "lsst.sphgeom.HealpixPixelization", "max_level": 8}}, "elements": {"spectrograph": {"doc": "An instrument that is fed by fibres.", "governor": true, "keys": [{"name": "name", "type": "string", "length": 16}], "metadata": [{"name": "fibre_count", "type": "int", "nullable": false}]}, "arm": {"doc": "A range of wavelengths, the values that gratings name.", "keys": [{"name": "name", "type": "string", "length": 16}], "implied_union_target": "grating"}, "grating": {"requires": ["spectrograph"], "implies": ["arm"], "is_cached": true, "keys": [{"name": "name", "type": "string", "length": 32}], "metadata": [{"name": "lines_per_mm", "type": "float"}]}, "fibre": {"requires": ["spectrograph"], "is_cached": true, "keys": [{"name": "id", "type": "int"}, {"name": "label", "type": "string", "length": 8}], "metadata": [{"name": "broken", "type": "bool"}]}, "field": {"doc": "An area of the sky; it belongs to no governor.", "keys": [{"name": "id", "type": "int"}], "metadata": [{"name": "title", "type": "string", "length": 64}]}, "plate": {"requires": ["spectrograph"], "keys": [{"name": "id", "type": "int"}], "metadata": [{"name": "checksum", "type": "hash", "nbytes": 8}]}, "spectrum": {"doc": "One shot through a plate.", "requires": ["spectrograph"], "implies": ["plate", "grating"], "keys": [{"name": "id", "type": "int"}], "metadata": [{"name": "seeing", "type": "float"}]}, "shift": {"doc": "Half a night; it belongs to no governor.", "keys": [{"name": "name", "type": "string", "length": 32}]}, "fibre_target": {"doc": "Which fibre of a plate looks at something.", "requires": ["plate", "fibre"], "always_join": true, "populated_by": "plate", "metadata": [{"name": "target", "type": "string", "length": 64}]}}, "topology": {"spatial": {"plates": ["plate"], "fields": ["field"]}, "temporal": {"shots": ["spectrum"], "shifts": ["shift"]}}}');
INSERT INTO "attribute" VALUES('universe_namespace','fibres');
INSERT INTO "attribute" VALUES('universe_version','3');
INSERT INTO "attribute" VALUES('universe_digest','0f7c41e2a16f96a794f19e79ab089f02');
CREATE TABLE change_counter (
	name VARCHAR(64) NOT NULL, 
	value BIGINT NOT NULL, 
	CONSTRAINT pk_change_counter PRIMARY KEY (name)
);
INSERT INTO "change_counter" VALUES('definitions',1);
CREATE TABLE collection (
	collection_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR(128) NOT NULL, 
	type SMALLINT NOT NULL, 
	doc VARCHAR NOT NULL, 
	sealed BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT uq_collection_name UNIQUE (name)
);
INSERT INTO "collection" VALUES(1,'run/1',1,'The run/1.',0);
INSERT INTO "collection" VALUES(2,'tag',2,'The tag.',0);
INSERT INTO "collection" VALUES(3,'calib',4,'The calib.',0);
INSERT INTO "collection" VALUES(4,'chain',3,'The chain.',0);
CREATE TABLE collection_child (
	parent_id BIGINT NOT NULL, 
	position INTEGER NOT NULL, 
	child_id BIGINT NOT NULL, 
	CONSTRAINT pk_collection_child PRIMARY KEY (parent_id, position), 
	CONSTRAINT uq_collection_child_parent_id_child_id UNIQUE (parent_id, child_id), 
	CONSTRAINT fk_collection_child_parent_id FOREIGN KEY(parent_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fk_collection_child_child_id FOREIGN KEY(child_id) REFERENCES collection (collection_id)
)
 WITHOUT ROWID

;
INSERT INTO "collection_child" VALUES(4,2,1);
INSERT INTO "collection_child" VALUES(4,0,2);
INSERT INTO "collection_child" VALUES(4,1,3);
CREATE TABLE dataset (
	dataset_id BLOB NOT NULL, 
	dataset_type_id BIGINT NOT NULL, 
	run_id BIGINT NOT NULL, 
	ingest_ns BIGINT NOT NULL, 
	CONSTRAINT pk_dataset PRIMARY KEY (dataset_id), 
	CONSTRAINT fk_dataset_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (dataset_type_id), 
	CONSTRAINT fk_dataset_run_id FOREIGN KEY(run_id) REFERENCES collection (collection_id)
)
 WITHOUT ROWID

;
INSERT INTO "dataset" VALUES(X'01A23288E1727387BA6366D650F82CC5',1,1,1796144198143340000);
INSERT INTO "dataset" VALUES(X'01A23288E1727387BA6366D650F82CC6',1,1,1796144198143340000);
INSERT INTO "dataset" VALUES(X'01A23288E1727387BA6366D650F82CC7',2,1,1796144198149753000);
INSERT INTO "dataset" VALUES(X'01A23288E1727387BA6366D650F82CC8',3,1,1796144198149214000);
CREATE TABLE dataset_type (
	dataset_type_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR(128) NOT NULL, 
	group_id BIGINT NOT NULL, 
	storage_class VARCHAR(128) NOT NULL, 
	is_calibration BOOLEAN NOT NULL, 
	CONSTRAINT uq_dataset_type_name UNIQUE (name), 
	CONSTRAINT fk_dataset_type_group_id FOREIGN KEY(group_id) REFERENCES dimension_group (group_id)
);
INSERT INTO "dataset_type" VALUES(1,'flat',1,'int',1);
INSERT INTO "dataset_type" VALUES(2,'shot',2,'int',0);
INSERT INTO "dataset_type" VALUES(3,'log',3,'int',0);
CREATE TABLE dimension_group (
	group_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	dimensions VARCHAR NOT NULL, 
	CONSTRAINT uq_dimension_group_dimensions UNIQUE (dimensions)
);
INSERT INTO "dimension_group" VALUES(1,'spectrograph,fibre');
INSERT INTO "dimension_group" VALUES(2,'spectrograph,fibre,plate');
INSERT INTO "dimension_group" VALUES(3,'');
CREATE TABLE element_fibre (
	spectrograph VARCHAR(16) NOT NULL, 
	id BIGINT NOT NULL, 
	label VARCHAR(8) NOT NULL, 
	broken BOOLEAN, 
	CONSTRAINT pk_element_fibre PRIMARY KEY (spectrograph, id), 
	CONSTRAINT uq_element_fibre_spectrograph_label UNIQUE (spectrograph, label), 
	CONSTRAINT fk_element_fibre_spectrograph FOREIGN KEY(spectrograph) REFERENCES element_spectrograph (name)
)
 WITHOUT ROWID

;
INSERT INTO "element_fibre" VALUES('S',0,'f''0',0);
INSERT INTO "element_fibre" VALUES('S',1,'f''1',1);
CREATE TABLE element_fibre_target (
	spectrograph VARCHAR(16) NOT NULL, 
	fibre BIGINT NOT NULL, 
	plate BIGINT NOT NULL, 
	target VARCHAR(64), 
	CONSTRAINT pk_element_fibre_target PRIMARY KEY (spectrograph, fibre, plate), 
	CONSTRAINT fk_element_fibre_target_spectrograph_fibre FOREIGN KEY(spectrograph, fibre) REFERENCES element_fibre (spectrograph, id), 
	CONSTRAINT fk_element_fibre_target_spectrograph_plate FOREIGN KEY(spectrograph, plate) REFERENCES element_plate (spectrograph, id)
)
 WITHOUT ROWID

;
INSERT INTO "element_fibre_target" VALUES('S',1,1,'M 31');
CREATE TABLE element_field (
	id BIGINT NOT NULL, 
	title VARCHAR(64), 
	region BLOB, 
	CONSTRAINT pk_element_field PRIMARY KEY (id)
);
CREATE TABLE element_grating (
	spectrograph VARCHAR(16) NOT NULL, 
	name VARCHAR(32) NOT NULL, 
	arm VARCHAR(16) NOT NULL, 
	lines_per_mm DOUBLE, 
	CONSTRAINT pk_element_grating PRIMARY KEY (spectrograph, name), 
	CONSTRAINT fk_element_grating_spectrograph FOREIGN KEY(spectrograph) REFERENCES element_spectrograph (name)
)
 WITHOUT ROWID

;
INSERT INTO "element_grating" VALUES('S','blue','b',600.5);
CREATE TABLE element_plate (
	spectrograph VARCHAR(16) NOT NULL, 
	id BIGINT NOT NULL, 
	checksum BLOB, 
	region BLOB, 
	CONSTRAINT pk_element_plate PRIMARY KEY (spectrograph, id), 
	CONSTRAINT fk_element_plate_spectrograph FOREIGN KEY(spectrograph) REFERENCES element_spectrograph (name)
);
INSERT INTO "element_plate" VALUES('S',1,X'0001',X'6361B46C3A039DED3F3B46FAC0F2E2C43FF50B8A74A8E3D53FE08FDF8C9B8DC93EF561B70371985C3F');
CREATE TABLE element_shift (
	name VARCHAR(32) NOT NULL, 
	timespan_begin BIGINT, 
	timespan_end BIGINT, 
	CONSTRAINT pk_element_shift PRIMARY KEY (name)
)
 WITHOUT ROWID

;
INSERT INTO "element_shift" VALUES('nüit',1704067200000000000,4102444800000000000);
CREATE TABLE element_spectrograph (
	name VARCHAR(16) NOT NULL, 
	fibre_count BIGINT NOT NULL, 
	CONSTRAINT pk_element_spectrograph PRIMARY KEY (name)
)
 WITHOUT ROWID

;
INSERT INTO "element_spectrograph" VALUES('S',2);
CREATE TABLE element_spectrum (
	spectrograph VARCHAR(16) NOT NULL, 
	id BIGINT NOT NULL, 
	grating VARCHAR(32) NOT NULL, 
	plate BIGINT NOT NULL, 
	seeing DOUBLE, 
	timespan_begin BIGINT, 
	timespan_end BIGINT, 
	CONSTRAINT pk_element_spectrum PRIMARY KEY (spectrograph, id), 
	CONSTRAINT fk_element_spectrum_spectrograph_grating FOREIGN KEY(spectrograph, grating) REFERENCES element_grating (spectrograph, name), 
	CONSTRAINT fk_element_spectrum_spectrograph_plate FOREIGN KEY(spectrograph, plate) REFERENCES element_plate (spectrograph, id)
)
 WITHOUT ROWID

;
CREATE TABLE membership_1 (
	dataset_type_id BIGINT NOT NULL, 
	dim_spectrograph VARCHAR(16) NOT NULL, 
	dim_fibre BIGINT NOT NULL, 
	collection_id BIGINT NOT NULL, 
	dataset_id BLOB NOT NULL, 
	run_id BIGINT NOT NULL, 
	CONSTRAINT pk_membership_1 PRIMARY KEY (dataset_type_id, dim_spectrograph, dim_fibre, collection_id), 
	CONSTRAINT fk_membership_1_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (dataset_type_id), 
	CONSTRAINT fk_membership_1_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fk_membership_1_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (dataset_id) ON DELETE CASCADE, 
	CONSTRAINT fk_membership_1_dim_spectrograph_dim_fibre FOREIGN KEY(dim_spectrograph, dim_fibre) REFERENCES element_fibre (spectrograph, id)
)
 WITHOUT ROWID

;
INSERT INTO "membership_1" VALUES(1,'S',0,1,X'01A23288E1727387BA6366D650F82CC5',1);
INSERT INTO "membership_1" VALUES(1,'S',1,1,X'01A23288E1727387BA6366D650F82CC6',1);
CREATE TABLE membership_2 (
	dataset_type_id BIGINT NOT NULL, 
	dim_spectrograph VARCHAR(16) NOT NULL, 
	dim_plate BIGINT NOT NULL, 
	dim_fibre BIGINT NOT NULL, 
	collection_id BIGINT NOT NULL, 
	dataset_id BLOB NOT NULL, 
	run_id BIGINT NOT NULL, 
	CONSTRAINT pk_membership_2 PRIMARY KEY (dataset_type_id, dim_spectrograph, dim_plate, dim_fibre, collection_id), 
	CONSTRAINT fk_membership_2_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (dataset_type_id), 
	CONSTRAINT fk_membership_2_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fk_membership_2_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (dataset_id) ON DELETE CASCADE, 
	CONSTRAINT fk_membership_2_dim_spectrograph_dim_plate FOREIGN KEY(dim_spectrograph, dim_plate) REFERENCES element_plate (spectrograph, id), 
	CONSTRAINT fk_membership_2_dim_spectrograph_dim_fibre FOREIGN KEY(dim_spectrograph, dim_fibre) REFERENCES element_fibre (spectrograph, id)
)
 WITHOUT ROWID

;
INSERT INTO "membership_2" VALUES(2,'S',1,0,1,X'01A23288E1727387BA6366D650F82CC7',1);
INSERT INTO "membership_2" VALUES(2,'S',1,0,2,X'01A23288E1727387BA6366D650F82CC7',1);
CREATE TABLE membership_3 (
	dataset_type_id BIGINT NOT NULL, 
	collection_id BIGINT NOT NULL, 
	dataset_id BLOB NOT NULL, 
	run_id BIGINT NOT NULL, 
	CONSTRAINT pk_membership_3 PRIMARY KEY (dataset_type_id, collection_id), 
	CONSTRAINT fk_membership_3_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (dataset_type_id), 
	CONSTRAINT fk_membership_3_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fk_membership_3_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (dataset_id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "membership_3" VALUES(3,1,X'01A23288E1727387BA6366D650F82CC8',1);
INSERT INTO "membership_3" VALUES(3,2,X'01A23288E1727387BA6366D650F82CC8',1);
CREATE TABLE opaque_catalog (
	name VARCHAR(48) NOT NULL, 
	columns VARCHAR NOT NULL, 
	CONSTRAINT pk_opaque_catalog PRIMARY KEY (name)
);
INSERT INTO "opaque_catalog" VALUES('sample_note','[{"name": "id", "type": "uuid", "length": null, "key": true, "nullable": false, "index": false}, {"name": "text", "type": "text", "length": 40, "key": false, "nullable": false, "index": false}]');
CREATE TABLE overlap_field (
	dim_healpix4 BIGINT NOT NULL, 
	dim_field BIGINT NOT NULL, 
	CONSTRAINT pk_overlap_field PRIMARY KEY (dim_healpix4, dim_field), 
	CONSTRAINT fk_overlap_field_dim_field FOREIGN KEY(dim_field) REFERENCES element_field (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE overlap_plate (
	dim_healpix4 BIGINT NOT NULL, 
	dim_spectrograph VARCHAR(16) NOT NULL, 
	dim_plate BIGINT NOT NULL, 
	CONSTRAINT pk_overlap_plate PRIMARY KEY (dim_healpix4, dim_spectrograph, dim_plate), 
	CONSTRAINT fk_overlap_plate_dim_spectrograph_dim_plate FOREIGN KEY(dim_spectrograph, dim_plate) REFERENCES element_plate (spectrograph, id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "overlap_plate" VALUES(1241,'S',1);
CREATE TABLE records_sample_note (
	id BLOB NOT NULL, 
	text VARCHAR(40) NOT NULL, 
	CONSTRAINT pk_records_sample_note PRIMARY KEY (id)
);
INSERT INTO "records_sample_note" VALUES(X'01A23288E1727387BA6366D650F82CC5','note 0');
INSERT INTO "records_sample_note" VALUES(X'01A23288E1727387BA6366D650F82CC6','note 1');
INSERT INTO "records_sample_note" VALUES(X'01A23288E1727387BA6366D650F82CC7','note 2');
INSERT INTO "records_sample_note" VALUES(X'01A23288E1727387BA6366D650F82CC8','note 3');
CREATE TABLE summary_dataset_type (
	collection_id BIGINT NOT NULL, 
	dataset_type_id BIGINT NOT NULL, 
	CONSTRAINT pk_summary_dataset_type PRIMARY KEY (collection_id, dataset_type_id), 
	CONSTRAINT fk_summary_dataset_type_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fk_summary_dataset_type_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (dataset_type_id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "summary_dataset_type" VALUES(1,1);
INSERT INTO "summary_dataset_type" VALUES(3,1);
INSERT INTO "summary_dataset_type" VALUES(1,2);
INSERT INTO "summary_dataset_type" VALUES(2,2);
INSERT INTO "summary_dataset_type" VALUES(1,3);
INSERT INTO "summary_dataset_type" VALUES(2,3);
CREATE TABLE summary_governor (
	collection_id BIGINT NOT NULL, 
	governor VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	CONSTRAINT pk_summary_governor PRIMARY KEY (collection_id, governor, value), 
	CONSTRAINT fk_summary_governor_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "summary_governor" VALUES(1,'spectrograph','S');
INSERT INTO "summary_governor" VALUES(2,'spectrograph','S');
INSERT INTO "summary_governor" VALUES(3,'spectrograph','S');
CREATE TABLE validity_1 (
	dataset_type_id BIGINT NOT NULL, 
	dim_spectrograph VARCHAR(16) NOT NULL, 
	dim_fibre BIGINT NOT NULL, 
	collection_id BIGINT NOT NULL, 
	begin_ns BIGINT NOT NULL, 
	end_ns BIGINT NOT NULL, 
	dataset_id BLOB NOT NULL, 
	run_id BIGINT NOT NULL, 
	CONSTRAINT pk_validity_1 PRIMARY KEY (dataset_type_id, dim_spectrograph, dim_fibre, collection_id, begin_ns), 
	CONSTRAINT ck_validity_1_not_empty CHECK (begin_ns < end_ns), 
	CONSTRAINT fk_validity_1_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (dataset_type_id), 
	CONSTRAINT fk_validity_1_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fk_validity_1_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (dataset_id) ON DELETE CASCADE, 
	CONSTRAINT fk_validity_1_dim_spectrograph_dim_fibre FOREIGN KEY(dim_spectrograph, dim_fibre) REFERENCES element_fibre (spectrograph, id)
)
 WITHOUT ROWID

;
INSERT INTO "validity_1" VALUES(1,'S',0,3,1704067200000000000,1706745600000000000,X'01A23288E1727387BA6366D650F82CC5',1);
CREATE TABLE validity_2 (
	dataset_type_id BIGINT NOT NULL, 
	dim_spectrograph VARCHAR(16) NOT NULL, 
	dim_plate BIGINT NOT NULL, 
	dim_fibre BIGINT NOT NULL, 
	collection_id BIGINT NOT NULL, 
	begin_ns BIGINT NOT NULL, 
	end_ns BIGINT NOT NULL, 
	dataset_id BLOB NOT NULL, 
	run_id BIGINT NOT NULL, 
	CONSTRAINT pk_validity_2 PRIMARY KEY (dataset_type_id, dim_spectrograph, dim_plate, dim_fibre, collection_id, begin_ns), 
	CONSTRAINT ck_validity_2_not_empty CHECK (begin_ns < end_ns), 
	CONSTRAINT fk_validity_2_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (dataset_type_id), 
	CONSTRAINT fk_validity_2_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fk_validity_2_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (dataset_id) ON DELETE CASCADE, 
	CONSTRAINT fk_validity_2_dim_spectrograph_dim_plate FOREIGN KEY(dim_spectrograph, dim_plate) REFERENCES element_plate (spectrograph, id), 
	CONSTRAINT fk_validity_2_dim_spectrograph_dim_fibre FOREIGN KEY(dim_spectrograph, dim_fibre) REFERENCES element_fibre (spectrograph, id)
)
 WITHOUT ROWID

;
CREATE TABLE validity_3 (
	dataset_type_id BIGINT NOT NULL, 
	collection_id BIGINT NOT NULL, 
	begin_ns BIGINT NOT NULL, 
	end_ns BIGINT NOT NULL, 
	dataset_id BLOB NOT NULL, 
	run_id BIGINT NOT NULL, 
	CONSTRAINT pk_validity_3 PRIMARY KEY (dataset_type_id, collection_id, begin_ns), 
	CONSTRAINT ck_validity_3_not_empty CHECK (begin_ns < end_ns), 
	CONSTRAINT fk_validity_3_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (dataset_type_id), 
	CONSTRAINT fk_validity_3_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fk_validity_3_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (dataset_id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE INDEX ix_element_shift_by_time ON element_shift (timespan_begin IS NULL, timespan_begin);
CREATE INDEX ix_collection_child_child_id ON collection_child (child_id);
CREATE INDEX ix_element_grating_spectrograph_arm ON element_grating (spectrograph, arm);
CREATE INDEX ix_overlap_field_dim_field ON overlap_field (dim_field);
CREATE INDEX ix_dataset_run_id_dataset_type_id_ingest_ns ON dataset (run_id, dataset_type_id, ingest_ns);
CREATE INDEX ix_summary_dataset_type_dataset_type_id ON summary_dataset_type (dataset_type_id);
CREATE INDEX ix_element_fibre_target_spectrograph_plate_fibre ON element_fibre_target (spectrograph, plate, fibre);
CREATE INDEX ix_element_spectrum_spectrograph_grating ON element_spectrum (spectrograph, grating);
CREATE INDEX ix_element_spectrum_by_time ON element_spectrum (spectrograph, timespan_begin IS NULL, timespan_begin);
CREATE INDEX ix_element_spectrum_spectrograph_plate ON element_spectrum (spectrograph, plate);
CREATE INDEX ix_overlap_plate_dim_spectrograph_dim_plate ON overlap_plate (dim_spectrograph, dim_plate);
CREATE INDEX ix_membership_1_collection_id_dataset_type_id_dataset_id_run_id ON membership_1 (collection_id, dataset_type_id, dataset_id, run_id);
CREATE INDEX ix_membership_1_dataset_id ON membership_1 (dataset_id);
CREATE INDEX ix_validity_1_collection_id_dataset_type_id_dataset_id_run_id ON validity_1 (collection_id, dataset_type_id, dataset_id, run_id);
CREATE INDEX ix_validity_1_dataset_id ON validity_1 (dataset_id);
CREATE INDEX ix_membership_2_dataset_id ON membership_2 (dataset_id);
CREATE INDEX ix_membership_2_collection_id_dataset_type_id_dataset_id_run_id ON membership_2 (collection_id, dataset_type_id, dataset_id, run_id);
CREATE INDEX ix_validity_2_dataset_id ON validity_2 (dataset_id);
CREATE INDEX ix_validity_2_collection_id_dataset_type_id_dataset_id_run_id ON validity_2 (collection_id, dataset_type_id, dataset_id, run_id);
CREATE INDEX ix_membership_3_dataset_id ON membership_3 (dataset_id);
CREATE INDEX ix_membership_3_collection_id_dataset_type_id_dataset_id_run_id ON membership_3 (collection_id, dataset_type_id, dataset_id, run_id);
CREATE INDEX ix_validity_3_collection_id_dataset_type_id_dataset_id_run_id ON validity_3 (collection_id, dataset_type_id, dataset_id, run_id);
CREATE INDEX ix_validity_3_dataset_id ON validity_3 (dataset_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('dimension_group',3);
INSERT INTO "sqlite_sequence" VALUES('dataset_type',3);
INSERT INTO "sqlite_sequence" VALUES('collection',4);
COMMIT;
