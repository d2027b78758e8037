"""How property tests run, wherever they are."""

from hypothesis import HealthCheck, settings

# A busy machine draws examples slowly and runs them slowly; neither is a defect of what is tested.
settings.register_profile("tokenrouter", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tokenrouter")
