-- Where deliveries went, or go: for masking it in what their providers said.
-- $1 delivery bigint[]
-- One row a delivery that has an address.
select id, address from neurolink_delivery_log where id = any ($1) and address is not null
