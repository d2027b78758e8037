"""A simulated day of providers, in virtual time: how good the router's choices are against those of somebody who knows everything."""
