DROP TABLE upload_attempts;
DROP TABLE attachments;
