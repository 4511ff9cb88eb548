"""The changes of consent, fed to an application of the operator."""
