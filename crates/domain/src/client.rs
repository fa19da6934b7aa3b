//! Applications (OAuth clients): what each type may do and how long what it gets lives.
