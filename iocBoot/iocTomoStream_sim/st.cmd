# The records of tomostream in a synApps IOC (EPICS 7, busy, autosave).
# Run in this folder by an IOC's program that has them, for instance xxx of synApps.
# Where there is none, ./start_records serves the same records.
< envPaths

epicsEnvSet("P", "sim:")
epicsEnvSet("R", "TomoStream:")

dbLoadDatabase("$(TOP)/dbd/iocxxxLinux.dbd")
iocxxxLinux_registerRecordDeviceDriver(pdbbase)

dbLoadTemplate("tomoStream.substitutions")

save_restoreSet_status_prefix("$(P)$(R)")
set_savefile_path("./autosave")
set_requestfile_path(".")
set_requestfile_path("../db")
set_pass0_restoreFile("auto_settings.sav")
set_pass1_restoreFile("auto_settings.sav")

iocInit

create_monitor_set("auto_settings.req", 30, "P=$(P),R=$(R)")
