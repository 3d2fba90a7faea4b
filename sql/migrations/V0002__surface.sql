-- What reading, steering and explaining ask of the tables beyond the line itself.
--
-- No index joins the hot tables that isn't partial on something rare: each full one costs the drain 5 to 15 % (V0001 says how
-- it was measured). Lists that no index serves read a bounded stretch per page instead.

