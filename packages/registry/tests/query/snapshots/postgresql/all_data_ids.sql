SELECT exposure.instrument AS dim_instrument, detector.id AS dim_detector, exposure.id AS dim_exposure, exposure.day_obs AS dim_day_obs, exposure."group" AS dim_group, exposure.physical_filter AS dim_physical_filter
FROM element_exposure AS exposure, element_detector AS detector
WHERE detector.instrument = exposure.instrument
