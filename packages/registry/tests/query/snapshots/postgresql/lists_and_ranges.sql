SELECT detector.id AS dim_detector
FROM element_detector AS detector
WHERE detector.instrument = %(value1)s::VARCHAR COLLATE "C" AND NOT (detector.id IN (%(value2)s::BIGINT) OR detector.id BETWEEN %(param_1)s::BIGINT AND %(param_2)s::BIGINT AND (detector.id %% %(id_1)s::BIGINT + %(param_3)s::BIGINT) %% %(param_4)s::BIGINT = %(param_5)s::BIGINT) AND (detector.raft IN (%(value3)s::VARCHAR COLLATE "C") OR detector.raft IS NULL)
