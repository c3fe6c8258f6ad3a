"""The steps that a person can choose: each module holds the steps of one subject."""
