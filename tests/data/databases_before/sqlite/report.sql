BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('report_0001');
INSERT INTO "alembic_version" VALUES('runtime_0002');
CREATE TABLE history (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	queue VARCHAR(255) NOT NULL, 
	message_id VARCHAR(512), 
	correlation_id VARCHAR(255), 
	attempt INTEGER NOT NULL, 
	replays INTEGER NOT NULL, 
	outcome VARCHAR(10) NOT NULL, 
	error_type VARCHAR(255), 
	error TEXT, 
	milliseconds FLOAT NOT NULL, try_id VARCHAR(64), kind VARCHAR(255), app_id VARCHAR(255), published_at DATETIME, attempts INTEGER, place VARCHAR(255), next_at DATETIME, recipients TEXT, holder VARCHAR(64), is_told BOOLEAN DEFAULT 1 NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "history" VALUES(1,'2026-11-30 00:02:03.363937','report.generate','report-1',NULL,1,0,'done',NULL,NULL,3070.8,'2dfcb7c341724dd4afd853e68658bd1a','report.generate','postroom publish','2026-11-30 00:02:00.000000',5,NULL,NULL,NULL,'3354d9fddcf64c1f8cd351d636fdb389',1);
CREATE TABLE inbox (
	queue VARCHAR(255) NOT NULL, 
	identity VARCHAR(512) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	holder VARCHAR(64) NOT NULL, 
	starts INTEGER NOT NULL, 
	finished_at DATETIME, 
	PRIMARY KEY (queue, identity)
);
INSERT INTO "inbox" VALUES('report.generate','report-1','done','3354d9fddcf64c1f8cd351d636fdb389',1,'2026-11-30 00:02:03.366936');
CREATE TABLE report_cancellations (
	job_id VARCHAR(255) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (job_id)
);
CREATE TABLE report_documents (
	job_id VARCHAR(255) NOT NULL, 
	part VARCHAR(200) NOT NULL, 
	object_key VARCHAR(300) NOT NULL, 
	rows BIGINT NOT NULL, 
	pages INTEGER NOT NULL, 
	bytes BIGINT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (job_id, part)
);
INSERT INTO "report_documents" VALUES('report-1','','table/2026-11/8f6decfb25303bbe670581f55c846b5a.csv',2,0,12,'93da0d6f84de2604763eda2976d6a4d31685912f90d110d6dffc3edd2f134a0d');
CREATE TABLE report_runs (
	job_id VARCHAR(255) NOT NULL, 
	type VARCHAR(100) NOT NULL, 
	format VARCHAR(10) NOT NULL, 
	initiated_by TEXT NOT NULL, 
	fingerprint VARCHAR(64) NOT NULL, 
	moment DATETIME NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	rows BIGINT NOT NULL, 
	pages INTEGER NOT NULL, 
	documents INTEGER NOT NULL, 
	object_key VARCHAR(300), 
	url TEXT, 
	bytes BIGINT, 
	sha256 VARCHAR(64), 
	error VARCHAR(1000), 
	started_at DATETIME NOT NULL, 
	finished_at DATETIME, 
	expires_at DATETIME, 
	PRIMARY KEY (job_id)
);
INSERT INTO "report_runs" VALUES('report-1','table','csv','ada','c15d1bae17d9404f537d7b8b69a72d3487c03b75c11a8c79069a179105249dbf','2026-11-30 00:02:00.000000','done',2,0,1,'table/2026-11/8f6decfb25303bbe670581f55c846b5a.csv','file:///var/lib/postroom/reports/table/2026-11/8f6decfb25303bbe670581f55c846b5a.csv',12,'93da0d6f84de2604763eda2976d6a4d31685912f90d110d6dffc3edd2f134a0d',NULL,'2026-11-30 00:02:00.323292','2026-11-30 00:02:03.353760','2027-02-28 00:02:03.353740');
CREATE TABLE workers (
	holder VARCHAR(64) NOT NULL, 
	beats INTEGER NOT NULL, 
	PRIMARY KEY (holder)
);
CREATE INDEX ix_report_runs_started_at ON report_runs (started_at);
CREATE INDEX ix_report_runs_expires_at ON report_runs (expires_at);
CREATE INDEX ix_inbox_finished_at ON inbox (finished_at);
CREATE INDEX ix_history_message_id ON history (message_id);
CREATE INDEX ix_history_at ON history (at);
CREATE INDEX ix_history_untold ON history (holder, id) WHERE NOT is_told;
COMMIT;
