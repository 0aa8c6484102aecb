"""What apps call the standard fields of a person: the table that smart mapping reads.

Names are written without case and separators: `firstName`, `first_name` and `First Name` are
`firstname`. A strong one means the field nearly always, a weak one often enough to be proposed.
"""

from collections.abc import Mapping

STRONG: Mapping[str, frozenset[str]] = {
    "username": frozenset(
        "login loginname userlogin userprincipalname upn samaccountname accountname loginid "
        "loginusername".split()
    ),
    "email": frozenset(
        "mail emailaddress mailaddress primaryemail primaryemailaddress workemail useremail "
        "emailwork".split()
    ),
    "first_name": frozenset("givenname forename fname namefirst namegiven namegivenname".split()),
    "last_name": frozenset(
        "surname familyname lname sn lastnames namelast namefamily namefamilyname".split()
    ),
    "display_name": frozenset(
        "name fullname realname userfullname formattedname nameformatted namefull "
        "namefullname namedisplay namedisplayname".split()
    ),
    "phone": frozenset(
        "phonenumber telephone telephonenumber mobile mobilephone mobilenumber cellphone "
        "workphone phonework businessphone".split()
    ),
    "role": frozenset("userrole rolename".split()),
    "status": frozenset("userstatus accountstatus".split()),
    "title": frozenset("jobtitle position jobposition designation".split()),
    "department": frozenset("dept departmentname orgunit organizationalunit".split()),
    "manager": frozenset(
        "managername manageremail manageremailaddress supervisor reportsto linemanager "
        "managerdisplayname".split()
    ),
    "employee_id": frozenset(
        "employeenumber employeeno empid empno staffid staffnumber personnelnumber workerid".split()
    ),
}
WEAK: Mapping[str, frozenset[str]] = {
    "username": frozenset("nickname nick handle screenname alias".split()),
    "email": frozenset({"contactemail"}),
    "first_name": frozenset({"first"}),
    "last_name": frozenset({"last"}),
    "display_name": frozenset("label cn".split()),
    "phone": frozenset("tel cell".split()),
    "status": frozenset("state active enabled isactive isenabled".split()),
    "title": frozenset({"jobrole"}),
    "department": frozenset("division team unit".split()),
}
OTHERS = frozenset(
    "manager supervisor company organization organisation org account team creator author owner "
    "parent group department assistant emergency created updated modified invited referrer partner "
    "customer tenant workspace project product".split()
)
"""What lies inside one of these tells of somebody or something else than the user."""
