"""Other programs are told what happened: signed, tried again, without what anybody said."""
