DROP TABLE sync_state;
DROP TABLE devices;
