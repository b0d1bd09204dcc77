BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
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
INSERT INTO "history" VALUES(1,'2026-11-30 00:01:50.327513','maintenance.clean','often@2026-11-30T00:01:50Z',NULL,1,0,'done',NULL,NULL,308.6,'956e3c6606ea44568e70c7dbe387671f','maintenance.clean','scheduler','2026-11-30 00:01:50.000000',8,NULL,NULL,NULL,'0572951a6c8c4f2abe9e5f901fab1fd3',1);
INSERT INTO "history" VALUES(2,'2026-11-30 00:01:55.224552','maintenance.clean','often@2026-11-30T00:01:55Z',NULL,1,0,'done',NULL,NULL,121.8,'0ad1d03801e84bb4bc6f56bfefa5fcf2','maintenance.clean','scheduler','2026-11-30 00:01:55.000000',8,NULL,NULL,NULL,'0572951a6c8c4f2abe9e5f901fab1fd3',1);
INSERT INTO "history" VALUES(3,'2026-11-30 00:02:00.128222','maintenance.clean','often@2026-11-30T00:02:00Z',NULL,1,0,'done',NULL,NULL,64.3,'5cf97c30aa0348e293dc51597f6989ba','maintenance.clean','scheduler','2026-11-30 00:02:00.000000',8,NULL,NULL,NULL,'0572951a6c8c4f2abe9e5f901fab1fd3',1);
INSERT INTO "history" VALUES(4,'2026-11-30 00:02:05.028020','maintenance.clean','often@2026-11-30T00:02:05Z',NULL,1,0,'done',NULL,NULL,12.2,'45b402db076341f5ba7302e4e57e171b','maintenance.clean','scheduler','2026-11-30 00:02:05.000000',8,NULL,NULL,NULL,'0572951a6c8c4f2abe9e5f901fab1fd3',1);
INSERT INTO "history" VALUES(5,'2026-11-30 00:02:10.032091','maintenance.clean','often@2026-11-30T00:02:10Z',NULL,1,0,'done',NULL,NULL,12.8,'479f4daf8b9d4a12bbc0d75d06af6932','maintenance.clean','scheduler','2026-11-30 00:02:10.000000',8,NULL,NULL,NULL,'0572951a6c8c4f2abe9e5f901fab1fd3',1);
INSERT INTO "history" VALUES(6,'2026-11-30 00:02:15.023749','maintenance.clean','often@2026-11-30T00:02:15Z',NULL,1,0,'done',NULL,NULL,13.7,'7619e7891d094648afea44e23790659b','maintenance.clean','scheduler','2026-11-30 00:02:15.000000',8,NULL,NULL,NULL,'0572951a6c8c4f2abe9e5f901fab1fd3',1);
INSERT INTO "history" VALUES(7,'2026-11-30 00:02:20.129796','maintenance.clean','often@2026-11-30T00:02:20Z',NULL,1,0,'done',NULL,NULL,91.7,'4eb98ce863bb449c8527867fec570812','maintenance.clean','scheduler','2026-11-30 00:02:20.000000',8,NULL,NULL,NULL,'0572951a6c8c4f2abe9e5f901fab1fd3',1);
INSERT INTO "history" VALUES(8,'2026-11-30 00:02:25.098244','maintenance.clean','often@2026-11-30T00:02:25Z',NULL,1,0,'done',NULL,NULL,32.5,'8b2b0c972ed54af1ac72f62cc53a9107','maintenance.clean','scheduler','2026-11-30 00:02:25.000000',8,NULL,NULL,NULL,'0572951a6c8c4f2abe9e5f901fab1fd3',1);
INSERT INTO "history" VALUES(9,'2026-11-30 00:02:30.022127','maintenance.clean','often@2026-11-30T00:02:30Z',NULL,1,0,'done',NULL,NULL,8.1,'f32fe0578ef84e17b274b88e68a7f20c','maintenance.clean','scheduler','2026-11-30 00:02:30.000000',8,NULL,NULL,NULL,'0572951a6c8c4f2abe9e5f901fab1fd3',1);
INSERT INTO "history" VALUES(10,'2026-11-30 00:02:35.035134','maintenance.clean','often@2026-11-30T00:02:35Z',NULL,1,0,'done',NULL,NULL,5.6,'afafef16418a42c0b08b89080055416b','maintenance.clean','scheduler','2026-11-30 00:02:35.000000',8,NULL,NULL,NULL,'0572951a6c8c4f2abe9e5f901fab1fd3',1);
INSERT INTO "history" VALUES(11,'2026-11-30 00:02:40.053178','maintenance.clean','often@2026-11-30T00:02:40Z',NULL,1,0,'done',NULL,NULL,5.3,'d66564727f6d4463a2cd740af19cbb72','maintenance.clean','scheduler','2026-11-30 00:02:40.000000',8,NULL,NULL,NULL,'0572951a6c8c4f2abe9e5f901fab1fd3',1);
CREATE TABLE inbox (
	queue VARCHAR(255) NOT NULL, 
	identity VARCHAR(512) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	holder VARCHAR(64) NOT NULL, 
	starts INTEGER NOT NULL, 
	finished_at DATETIME, 
	PRIMARY KEY (queue, identity)
);
INSERT INTO "inbox" VALUES('maintenance.clean','often@2026-11-30T00:01:50Z','done','0572951a6c8c4f2abe9e5f901fab1fd3',1,'2026-11-30 00:01:50.348198');
INSERT INTO "inbox" VALUES('maintenance.clean','often@2026-11-30T00:01:55Z','done','0572951a6c8c4f2abe9e5f901fab1fd3',1,'2026-11-30 00:01:55.228678');
INSERT INTO "inbox" VALUES('maintenance.clean','often@2026-11-30T00:02:00Z','done','0572951a6c8c4f2abe9e5f901fab1fd3',1,'2026-11-30 00:02:00.154344');
INSERT INTO "inbox" VALUES('maintenance.clean','often@2026-11-30T00:02:05Z','done','0572951a6c8c4f2abe9e5f901fab1fd3',1,'2026-11-30 00:02:05.029718');
INSERT INTO "inbox" VALUES('maintenance.clean','often@2026-11-30T00:02:10Z','done','0572951a6c8c4f2abe9e5f901fab1fd3',1,'2026-11-30 00:02:10.034643');
INSERT INTO "inbox" VALUES('maintenance.clean','often@2026-11-30T00:02:15Z','done','0572951a6c8c4f2abe9e5f901fab1fd3',1,'2026-11-30 00:02:15.025168');
INSERT INTO "inbox" VALUES('maintenance.clean','often@2026-11-30T00:02:20Z','done','0572951a6c8c4f2abe9e5f901fab1fd3',1,'2026-11-30 00:02:20.135804');
INSERT INTO "inbox" VALUES('maintenance.clean','often@2026-11-30T00:02:25Z','done','0572951a6c8c4f2abe9e5f901fab1fd3',1,'2026-11-30 00:02:25.098494');
INSERT INTO "inbox" VALUES('maintenance.clean','often@2026-11-30T00:02:30Z','done','0572951a6c8c4f2abe9e5f901fab1fd3',1,'2026-11-30 00:02:30.022339');
INSERT INTO "inbox" VALUES('maintenance.clean','often@2026-11-30T00:02:35Z','done','0572951a6c8c4f2abe9e5f901fab1fd3',1,'2026-11-30 00:02:35.035313');
INSERT INTO "inbox" VALUES('maintenance.clean','often@2026-11-30T00:02:40Z','done','0572951a6c8c4f2abe9e5f901fab1fd3',1,'2026-11-30 00:02:40.053354');
CREATE TABLE workers (
	holder VARCHAR(64) NOT NULL, 
	beats INTEGER NOT NULL, 
	PRIMARY KEY (holder)
);
CREATE INDEX ix_inbox_finished_at ON inbox (finished_at);
CREATE INDEX ix_history_message_id ON history (message_id);
CREATE INDEX ix_history_at ON history (at);
CREATE INDEX ix_history_untold ON history (holder, id) WHERE NOT is_told;
COMMIT;
