-- Flows of several steps: what the records of an open window have achieved so far, sealed.

SET LOCAL ROLE formlane_owner;

ALTER TABLE formlane.lanes DROP COLUMN step;
ALTER TABLE formlane.lanes ADD COLUMN results bytea;
ALTER TABLE formlane.lanes ALTER COLUMN results SET STORAGE EXTERNAL;
