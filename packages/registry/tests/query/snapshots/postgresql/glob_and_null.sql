SELECT detector.instrument AS dim_instrument, detector.id AS dim_detector
FROM element_detector AS detector
WHERE detector.name_in_raft LIKE %(name_in_raft_1)s::VARCHAR ESCAPE '\' OR detector.raft IS NULL
