"""Who works here: roles, accounts with grants, sessions, second factors, the record of it all, and who is on duty."""
