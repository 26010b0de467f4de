"""Who somebody is: accounts, sessions, tokens, links, and what the grants of a user allow."""
