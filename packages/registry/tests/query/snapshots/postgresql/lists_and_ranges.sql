SELECT detector.id AS dim_detector
FROM element_detector AS detector
WHERE detector.instrument = %(value_1)s::VARCHAR COLLATE "C" AND NOT (detector.id IN (%(param_1)s::BIGINT) OR detector.id BETWEEN %(id_1)s::BIGINT AND %(id_2)s::BIGINT AND (detector.id %% %(id_3)s::BIGINT + %(param_2)s::BIGINT) %% %(param_3)s::BIGINT = %(param_4)s::BIGINT) AND (detector.raft IN (%(param_5)s::VARCHAR COLLATE "C") OR detector.raft IS NULL)
